from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0009_hourly_counts"),
    ]

    operations = [
        migrations.AddField(
            model_name="connector",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=48),
        ),
    ]
