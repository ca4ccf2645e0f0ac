"""Versions of a brand, and the address of its legal notice."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("branding", "0007_reminders")]

    operations = [
        migrations.AddField("brand", "imprint_url", models.URLField(blank=True, db_default="", default="")),
        migrations.CreateModel(
            name="BrandVersion",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("base", models.PositiveIntegerField(default=0)),
                (
                    "state",
                    models.CharField(choices=[("draft", "Draft"), ("live", "Live"), ("old", "Old")], max_length=5),
                ),
                ("document", models.JSONField()),
                ("made_by", models.UUIDField(null=True)),
                ("made_at", models.DateTimeField()),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="branding.brand"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("brand", "number"), name="brand_version_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "live")), fields=("brand",), name="one_live_version_of_a_brand"
                    ),
                ]
            },
        ),
    ]
