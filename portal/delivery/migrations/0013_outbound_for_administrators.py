"""Indexes by which administrators see what did not arrive, made while the portal works."""

from django.db import migrations, models

from portal.online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0012_bounces")]

    operations = [
        AddIndexOnline(
            "outbound",
            models.Index(
                fields=["-message", "kind"],
                name="outbound_bounced",
                condition=models.Q(state="failed") | models.Q(news="failed"),
            ),
        ),
        AddIndexOnline(
            "outbound",
            models.Index(fields=["lane", "sent_at"], name="outbound_sent", condition=models.Q(sent_at__isnull=False)),
        ),
    ]
