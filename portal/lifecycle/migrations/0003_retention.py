"""How long old rows are kept, where that was changed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lifecycle", "0002_more_time"),
    ]

    operations = [
        migrations.CreateModel(
            name="Kept",
            fields=[
                ("what", models.CharField(max_length=12, primary_key=True, serialize=False)),
                ("days", models.PositiveIntegerField()),
                ("changed_at", models.DateTimeField()),
            ],
        ),
    ]
