"""Passcodes that prove an address for something else than reading."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0010_languages")]

    operations = [
        migrations.AddField(
            "challenge", "errand", models.CharField(blank=True, db_default="", default="", max_length=8)
        ),
    ]
