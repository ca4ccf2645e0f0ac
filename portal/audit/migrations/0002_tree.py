"""The Merkle tree over the record, and triggers that keep the record as it is."""

from django.db import migrations, models

import portal.audit.models
from portal.audit import guarding


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        # Without its default, so that the old rows stay as they are and SQLite need not copy the table.
        migrations.AddField("entry", "salt", models.BinaryField(null=True)),
        migrations.AddField("entry", "sealed", models.BinaryField(null=True)),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("entry", "salt", models.BinaryField(null=True, default=portal.audit.models._salt))
            ]
        ),
        migrations.CreateModel(
            "Tree",
            [
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("size", models.BigIntegerField(default=0)),
                ("frontier", models.BinaryField(default=b"")),
                ("settled", models.BigIntegerField(default=0)),
                ("seen", models.BigIntegerField(default=0)),
                ("seen_at", models.DateTimeField(null=True)),
                ("searched_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            "Leaf",
            [
                ("index", models.BigIntegerField(primary_key=True, serialize=False)),
                ("entry", models.BigIntegerField(unique=True)),
                ("hash", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            "Block",
            [
                ("index", models.BigIntegerField(primary_key=True, serialize=False)),
                ("hash", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            "Head",
            [
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("note", models.TextField()),
            ],
            {"indexes": [models.Index(fields=["at"], name="audit_head_at_124f69_idx")]},
        ),
        migrations.RunPython(
            lambda _, editor: guarding.install(editor.connection),
            lambda _, editor: guarding.remove(editor.connection),
        ),
    ]
