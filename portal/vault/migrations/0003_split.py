"""Split messages: whose key needs a share that only the reader's notice holds."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0002_destruction")]

    operations = [
        migrations.AddField("message", "split", models.CharField(blank=True, default="", max_length=6)),
        migrations.AddField("reader", "split_key", models.BinaryField(default=b"", max_length=60)),
        migrations.AddField("reader", "escrow", models.BinaryField(default=b"")),
    ]
