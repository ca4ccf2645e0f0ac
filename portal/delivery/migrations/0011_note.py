"""Mail to whoever answered here."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0010_words_of_withdrawal")]

    operations = [
        migrations.AlterField(
            "outbound",
            "kind",
            models.CharField(
                choices=[
                    ("notice", "Notice"),
                    ("passcode", "Passcode"),
                    ("reply", "Reply"),
                    ("relay", "Relay"),
                    ("telling", "Telling"),
                    ("report", "Report"),
                    ("refusal", "Refusal"),
                    ("invitation", "Invitation"),
                    ("passkey", "Passkey"),
                    ("kept", "Kept"),
                    ("alarm", "Alarm"),
                    ("reminder", "Reminder"),
                    ("withdrawn", "Withdrawn"),
                    ("note", "Note"),
                    ("request", "Request"),
                ],
                max_length=10,
            ),
        )
    ]
