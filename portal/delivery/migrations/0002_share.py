"""A split message's share waits, sealed, until its notice has left."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0001_initial"), ("vault", "0003_split")]

    operations = [
        migrations.AddField("outbound", "share", models.BinaryField(default=b"")),
        migrations.AddField("outbound", "door_key", models.CharField(blank=True, default="", max_length=10)),
    ]
