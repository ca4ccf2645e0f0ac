"""Files that are added to an unsent answer piece by piece."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0009_fetched")]

    operations = [
        migrations.CreateModel(
            "Arriving",
            [
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("about", models.BinaryField()),
                ("have", models.BigIntegerField(default=0)),
                ("touched_at", models.DateTimeField(db_index=True)),
                (
                    "unsent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="arriving", to="vault.unsent"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            "ArrivingPiece",
            [
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("start", models.BigIntegerField()),
                ("size", models.PositiveIntegerField()),
                (
                    "arriving",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="pieces", to="vault.arriving"
                    ),
                ),
            ],
            {
                "constraints": [
                    models.UniqueConstraint(fields=["arriving", "start"], name="piece_once_an_arriving_file")
                ]
            },
        ),
    ]
