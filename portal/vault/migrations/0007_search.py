"""Tokens by which a person finds a message again. What was sealed before has none, and is found by opening it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0006_hidden")]

    operations = [
        migrations.AddField("reader", "indexed", models.BooleanField(db_default=False, default=False)),
        migrations.CreateModel(
            "SearchToken",
            [
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "token", "reader", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("token", models.BinaryField(max_length=8)),
                (
                    "reader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to="vault.reader"
                    ),
                ),
            ],
        ),
    ]
