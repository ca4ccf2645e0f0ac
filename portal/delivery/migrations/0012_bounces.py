"""Mail that came back, by address and reason, and addresses that get no more."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0011_note")]

    operations = [
        migrations.CreateModel(
            "Bounce",
            [
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("address_lookup", models.BinaryField(max_length=32)),
                ("address", models.BinaryField()),
                ("lane", models.UUIDField()),
                (
                    "sort",
                    models.CharField(
                        choices=[
                            ("hard", "Hard"),
                            ("soft", "Soft"),
                            ("blocked", "Blocked"),
                            ("reputation", "Reputation"),
                        ],
                        max_length=10,
                    ),
                ),
                ("status", models.CharField(max_length=16)),
                ("count", models.PositiveIntegerField(default=0)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("day", models.DateField()),
                ("on_day", models.PositiveIntegerField(default=0)),
                ("mail", models.UUIDField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["address_lookup", "status"], name="bounce_once_a_reason")
                ],
                "indexes": [
                    models.Index(fields=["-last_at", "-id"], name="bounce_newest"),
                    models.Index(fields=["sort", "-last_at", "-id"], name="bounce_by_sort"),
                    models.Index(fields=["day", "lane"], name="bounce_by_day"),
                ],
            },
        ),
        migrations.CreateModel(
            "Suppressed",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address_lookup", models.BinaryField(max_length=32, unique=True)),
                ("made_at", models.DateTimeField()),
                ("by", models.UUIDField()),
                ("reason", models.CharField(max_length=12)),
            ],
        ),
    ]
