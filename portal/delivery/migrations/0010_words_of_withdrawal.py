"""Two kinds of mail more; nothing changes in the tables."""

from django.db import migrations, models

KINDS = [
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
    ("request", "Request"),
]


class Migration(migrations.Migration):
    dependencies = [("delivery", "0009_sts_failed_at")]

    operations = [migrations.AlterField("outbound", "kind", models.CharField(choices=KINDS, max_length=10))]
