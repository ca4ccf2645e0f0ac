"""Which of the portal's own messages asks people to approve a held mail. What is held already asks nobody."""

from django.db import migrations, models

from portal.online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ingest", "0005_rules")]

    operations = [
        migrations.AddField("spooled", "asked_in", models.UUIDField(null=True)),
        AddIndexOnline(
            "spooled",
            models.Index(fields=["asked_in"], condition=models.Q(asked_in__isnull=False), name="spooled_by_request"),
        ),
    ]
