"""The rule that asked for a message's protection, by name, so that messages can be found by it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0011_approach")]

    operations = [
        migrations.AddField("message", "rule", models.CharField(blank=True, db_default="", default="", max_length=100)),
    ]
