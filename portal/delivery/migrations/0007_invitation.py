"""One more kind of mail; the column stays as it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0006_passkeys")]

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
                ],
                max_length=10,
            ),
        ),
    ]
