"""Reminders before a message closes, and word that one was withdrawn."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("branding", "0006_departments")]

    operations = [
        migrations.AddField("brand", "reminder_days", models.PositiveSmallIntegerField(blank=True, null=True)),
        migrations.AddField("brand", "tell_withdrawn", models.BooleanField(db_default=False, default=False)),
    ]
