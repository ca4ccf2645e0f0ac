from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0023_session_seal"),
    ]

    operations = [
        migrations.AddField(
            model_name="authenticator",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=48),
        ),
        migrations.AddField(
            model_name="passkey",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=48),
        ),
        migrations.AddField(
            model_name="provedphrase",
            name="seal",
            field=models.BinaryField(db_default=b"", default=b"", max_length=48),
        ),
    ]
