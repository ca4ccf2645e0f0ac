"""Mail to whoever answered here."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0009_sts_failed_at")]

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
                    ("note", "Note"),
                    ("request", "Request"),
                ],
                max_length=10,
            ),
        )
    ]
