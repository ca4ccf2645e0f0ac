"""The rights template that a brand's messages have where nobody names another."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("branding", "0010_versions")]

    operations = [
        migrations.AddField(
            "brand", "template", models.CharField(blank=True, db_default="", default="", max_length=40)
        ),
    ]
