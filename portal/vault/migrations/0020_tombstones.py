"""Tombstones are found by when they became that, for their deletion after some days."""

from django.db import migrations, models

from portal.online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("vault", "0019_keys_until")]

    operations = [
        AddIndexOnline(
            "message",
            models.Index(
                fields=["destroyed_at"],
                name="message_destroyed",
                condition=models.Q(destroyed_at__isnull=False),
            ),
        ),
    ]
