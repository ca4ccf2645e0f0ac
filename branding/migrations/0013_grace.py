"""How long after a message has closed its keys are kept, so that its reader can ask for more time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("branding", "0012_words_and_logos")]

    operations = [
        migrations.AddField("brand", "grace_days", models.PositiveSmallIntegerField(db_default=0, default=0)),
        migrations.AddConstraint(
            "brand",
            models.CheckConstraint(condition=models.Q(("grace_days__lte", 30)), name="brand_grace_days_within_30"),
        ),
    ]
