from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rules", "0002_draft"),
    ]

    operations = [
        migrations.AddField(
            model_name="version",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=48),
        ),
    ]
