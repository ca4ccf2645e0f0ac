"""What readers of closed messages ask of their senders."""

import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lifecycle", "0001_runs"),
        ("vault", "0019_keys_until"),
    ]

    operations = [
        migrations.CreateModel(
            name="MoreTime",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("granted", "Granted"), ("declined", "Declined")],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                ("token_lookup", models.BinaryField(max_length=32, null=True, unique=True)),
                (
                    "reader",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="vault.reader"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["state", "asked_at"], name="lifecycle_m_state_846160_idx")],
            },
        ),
    ]
