"""What people write to the organisation of their own accord, until their address is proved."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0010_arriving"), ("branding", "0003_forward_domains")]

    operations = [
        migrations.AlterField(
            "unsent",
            "reader",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="unsent", to="vault.reader"
            ),
        ),
        migrations.CreateModel(
            "Approach",
            [
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("token", models.BinaryField(max_length=32, unique=True)),
                ("network", models.BinaryField(default=b"", max_length=32)),
                ("size", models.BigIntegerField(default=0)),
                ("asked", models.BinaryField(default=b"", max_length=32)),
                ("proved", models.BinaryField(default=b"", max_length=32)),
                ("proved_at", models.DateTimeField(null=True)),
                ("made_at", models.DateTimeField(db_index=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("message", models.UUIDField(null=True)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="branding.brand"
                    ),
                ),
                (
                    "unsent",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="approach",
                        to="vault.unsent",
                    ),
                ),
            ],
            {
                "indexes": [
                    models.Index(fields=["network", "made_at"], name="approach_by_network"),
                    models.Index(fields=["proved", "sent_at"], name="approach_by_address"),
                ]
            },
        ),
    ]
