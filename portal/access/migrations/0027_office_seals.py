from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0026_challenge_began"),
    ]

    operations = [
        migrations.AddField(
            model_name="delegation",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=48),
        ),
        migrations.AddField(
            model_name="entrylink",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=48),
        ),
        migrations.AddField(
            model_name="person",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=48),
        ),
    ]
