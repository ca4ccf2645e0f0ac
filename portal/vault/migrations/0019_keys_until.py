"""Keys that outlive the moment a message closes, where its brand wants that. What is there already has none."""

from django.db import migrations, models

from portal.online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("vault", "0018_reader_rights")]

    operations = [
        migrations.AddField("message", "keys_until", models.DateTimeField(null=True)),
        AddIndexOnline(
            "message",
            models.Index(
                fields=["keys_until"],
                name="message_to_end",
                condition=models.Q(destroyed_at=None, keys_until__isnull=False),
            ),
        ),
    ]
