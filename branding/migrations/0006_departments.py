"""Writing to the organisation, off until a brand switches it on, and the departments that can be written to."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("branding", "0005_answers")]

    operations = [
        migrations.AddField("brand", "write_to", models.BooleanField(db_default=False, default=False)),
        migrations.CreateModel(
            "Department",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=40)),
                ("place", models.PositiveSmallIntegerField(default=0)),
                ("names", models.JSONField(default=dict)),
                ("notes", models.JSONField(blank=True, default=dict)),
                ("addresses", models.JSONField(default=list)),
                ("enabled", models.BooleanField(default=True)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="departments", to="branding.brand"
                    ),
                ),
            ],
            {
                "constraints": [
                    models.UniqueConstraint(fields=["brand", "slug"], name="department_once_a_brand"),
                ]
            },
        ),
    ]
