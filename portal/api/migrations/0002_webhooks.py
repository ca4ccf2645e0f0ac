"""Webhooks and what they are told."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api", "0001_initial")]

    operations = [
        migrations.CreateModel(
            "Webhook",
            [
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80, unique=True)),
                ("sealed", models.BinaryField()),
                ("events", models.JSONField(default=list)),
                ("private", models.BooleanField(default=False)),
                ("on", models.BooleanField(default=True)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("next_index", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            "Delivery",
            [
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("entry", models.BigIntegerField(null=True)),
                ("made_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("delivered", "Delivered"), ("failed", "Failed")],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("answer", models.CharField(default="", max_length=80)),
                (
                    "webhook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="api.webhook"
                    ),
                ),
            ],
            {
                "indexes": [
                    models.Index(fields=["state", "due_at"], name="api_deliver_state_d2f2b6_idx"),
                    models.Index(fields=["made_at"], name="api_deliver_made_at_545601_idx"),
                ],
                "constraints": [models.UniqueConstraint(fields=("webhook", "entry"), name="an_entry_is_told_once")],
            },
        ),
    ]
