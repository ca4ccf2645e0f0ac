"""Mails that programs handed in one by one, with the keys by which they are known again."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0003_tokens_with_scopes"),
    ]

    operations = [
        migrations.CreateModel(
            name="HandedIn",
            fields=[
                ("message", models.UUIDField(primary_key=True, serialize=False)),
                ("key_lookup", models.BinaryField(max_length=32, null=True, unique=True)),
                ("digest", models.BinaryField(default=b"", max_length=32)),
                ("made_at", models.DateTimeField(db_index=True)),
                (
                    "token",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="api.token"),
                ),
            ],
        ),
    ]
