from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0024_grant_seals"),
    ]

    operations = [
        migrations.AddField(
            model_name="provider",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=48),
        ),
    ]
