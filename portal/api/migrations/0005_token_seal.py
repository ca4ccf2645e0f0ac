from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0004_handed_in"),
    ]

    operations = [
        migrations.AddField(
            model_name="token",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=48),
        ),
    ]
