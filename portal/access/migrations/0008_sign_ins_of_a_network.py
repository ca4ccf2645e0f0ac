"""Where a sign-in at a provider was begun, so that one network cannot begin any number of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0007_office"),
    ]

    operations = [
        migrations.AddField(
            model_name="signin",
            name="network",
            field=models.BinaryField(db_default=b"", default=b"", max_length=32),
        ),
        migrations.AddIndex(
            model_name="signin",
            index=models.Index(fields=["network", "expires_at"], name="sign_in_by_network"),
        ),
    ]
