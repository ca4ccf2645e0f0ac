import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vault", "0021_message_receipt"),
    ]

    operations = [
        migrations.CreateModel(
            name="Leaf",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(null=True)),
                ("destroyed_at", models.DateTimeField(null=True)),
                (
                    "epoch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="leaves", to="vault.epoch"
                    ),
                ),
                (
                    "reader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="leaves", to="vault.reader"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("epoch", "reader"), name="leaf_once_a_reader")],
                "indexes": [
                    models.Index(
                        condition=models.Q(("destroyed_at", None), ("due_at__isnull", False)),
                        fields=["due_at"],
                        name="leaf_to_destroy",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="epoch",
            name="narrowed",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name="epoch",
            index=models.Index(fields=["message", "epoch"], name="epoch_of_message"),
        ),
        migrations.RemoveConstraint(
            model_name="epoch",
            name="message_once_an_epoch",
        ),
    ]
