"""A brand's test mail to an administrator."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0013_outbound_for_administrators")]

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
                    ("brand_test", "Brand Test"),
                    ("request", "Request"),
                ],
                max_length=10,
            ),
        ),
    ]
