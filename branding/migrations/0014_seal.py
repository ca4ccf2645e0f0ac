from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("branding", "0013_grace"),
    ]

    operations = [
        migrations.AddField(
            model_name="brand",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=48),
        ),
    ]
