"""Messages that travel with their notices, and what browsers post of them."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0004_phrases")]

    operations = [
        migrations.AddField(
            "message",
            "delivery",
            models.CharField(
                choices=[("link", "Link"), ("attachment", "Attachment")],
                db_default="link",
                default="link",
                max_length=10,
            ),
        ),
        migrations.AddField("message", "away_at", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "message",
            models.Index(
                condition=models.Q(("away_at", None), ("delivery", "attachment")),
                fields=["made_at"],
                name="message_to_let_go",
            ),
        ),
        migrations.CreateModel(
            "Parked",
            [
                ("blob", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("handle_lookup", models.BinaryField(max_length=32, null=True, unique=True)),
                ("network", models.BinaryField(max_length=32)),
                ("size", models.BigIntegerField()),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "reader",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="vault.reader"),
                ),
            ],
            {"indexes": [models.Index(fields=["network", "expires_at"], name="parked_by_network")]},
        ),
    ]
