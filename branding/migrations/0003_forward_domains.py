"""Where readers may forward to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("branding", "0002_ways_in")]

    operations = [migrations.AddField("brand", "forward_domains", models.JSONField(blank=True, null=True))]
