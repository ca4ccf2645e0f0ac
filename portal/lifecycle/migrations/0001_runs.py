"""Runs over many messages: what was asked for, and what became of each message."""

import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("action", models.CharField(choices=[("withdraw", "Withdraw"), ("date", "Date")], max_length=8)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Asked"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("undoing", "Undoing"),
                            ("undone", "Undone"),
                        ],
                        default="asked",
                        max_length=8,
                    ),
                ),
                ("chosen", models.BinaryField()),
                ("who", models.CharField(max_length=12)),
                ("by", models.CharField(blank=True, max_length=64)),
                ("reason", models.CharField(blank=True, max_length=20)),
                ("tell", models.BooleanField(null=True)),
                ("until", models.DateTimeField(null=True)),
                ("total", models.PositiveIntegerField(default=0)),
                ("asked_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("undo_until", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField()),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_by", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["-asked_at"], name="lifecycle_r_asked_a_7fd531_idx"),
                    models.Index(fields=["state", "due_at"], name="lifecycle_r_state_f9b01d_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RunItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message", models.UUIDField()),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Waiting"),
                            ("done", "Done"),
                            ("held", "Held"),
                            ("already", "Already"),
                            ("gone", "Gone"),
                            ("failed", "Failed"),
                            ("undone", "Undone"),
                            ("kept", "Kept"),
                            ("skipped", "Skipped"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                ("at", models.DateTimeField(null=True)),
                ("was", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="items", to="lifecycle.run"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["run", "outcome"], name="lifecycle_r_run_id_ff6c64_idx")],
                "constraints": [models.UniqueConstraint(fields=("run", "message"), name="message_once_a_run")],
            },
        ),
    ]
