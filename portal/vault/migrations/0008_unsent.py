"""What readers write and have not sent."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0007_search")]

    operations = [
        migrations.CreateModel(
            "Unsent",
            [
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=7)),
                ("version", models.UUIDField()),
                ("words", models.BinaryField()),
                ("saved_at", models.DateTimeField(db_index=True)),
                ("other", models.BinaryField(null=True)),
                ("other_at", models.DateTimeField(null=True)),
                (
                    "reader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="unsent", to="vault.reader"
                    ),
                ),
            ],
            {"constraints": [models.UniqueConstraint(fields=["reader", "kind"], name="one_unsent_of_a_kind")]},
        ),
        migrations.CreateModel(
            "UnsentFile",
            [
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("about", models.BinaryField()),
                (
                    "unsent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="vault.unsent"
                    ),
                ),
            ],
        ),
    ]
