from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0022_asked_anew"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=32),
        ),
    ]
