"""The language that a person reads in, for the mails to them, and that of the page which asked for a passcode."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0009_senders"),
    ]

    operations = [
        migrations.AddField(
            model_name="person",
            name="language",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
        migrations.AddField(
            model_name="challenge",
            name="language",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
    ]
