"""How long a closed message can be answered, and whether its writer is told of an answer by mail."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("branding", "0004_pictures")]

    operations = [
        migrations.AddField("brand", "reply_after_days", models.PositiveSmallIntegerField(default=7, db_default=7)),
        migrations.AddField("brand", "reply_notes", models.BooleanField(default=False, db_default=False)),
    ]
