"""How many pictures of the internet were fetched, for a network and for a brand."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0008_unsent")]

    operations = [
        migrations.CreateModel(
            "Fetched",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("whose", models.BinaryField(max_length=32)),
                ("span", models.DateTimeField()),
                ("count", models.PositiveIntegerField(default=0)),
            ],
            {"constraints": [models.UniqueConstraint(fields=["whose", "span"], name="fetched_once_a_span")]},
        ),
    ]
