from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0005_maybe_twice"),
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
                    ("alarm", "Alarm"),
                    ("request", "Request"),
                ],
                max_length=10,
            ),
        ),
    ]
