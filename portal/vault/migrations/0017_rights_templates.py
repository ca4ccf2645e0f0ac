"""Rights templates, and the name of the one that a message was sealed under."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0016_trace")]

    operations = [
        migrations.CreateModel(
            "RightsTemplate",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("names", models.JSONField(blank=True, default=dict)),
                ("notes", models.JSONField(blank=True, default=dict)),
                ("rights", models.JSONField(default=dict)),
                ("level", models.PositiveSmallIntegerField(default=1)),
                (
                    "closes",
                    models.CharField(
                        choices=[("brand", "Brand"), ("days", "Days"), ("date", "Date"), ("never", "Never")],
                        default="brand",
                        max_length=5,
                    ),
                ),
                ("open_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("last_day", models.DateField(blank=True, null=True)),
                ("scope", models.JSONField(blank=True, default=list)),
                (
                    "state",
                    models.CharField(
                        choices=[("published", "Published"), ("archived", "Archived")],
                        default="published",
                        max_length=9,
                    ),
                ),
                ("place", models.PositiveSmallIntegerField(default=100)),
                ("version", models.PositiveIntegerField(default=1)),
            ],
            {
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("level__in", (1, 2, 3))), name="template_level_is_one")
                ]
            },
        ),
        migrations.AddField(
            "message", "template", models.CharField(blank=True, db_default="", default="", max_length=40)
        ),
    ]
