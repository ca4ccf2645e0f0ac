"""Mails about more time for a closed message."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0014_brand_test"),
    ]

    operations = [
        migrations.AlterField(
            model_name="outbound",
            name="kind",
            field=models.CharField(
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
                    ("more_time", "More Time"),
                    ("reopened", "Reopened"),
                ],
                max_length=10,
            ),
        ),
    ]
