"""Indexes by which administrators find messages, made while the portal works; two that they make needless go."""

from django.db import migrations, models

from portal.online import AddIndexOnline
from portal.vault.reference import Reference

NEWEST = ["-made_at", "-id"]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("vault", "0015_rule")]

    operations = [
        AddIndexOnline("message", models.Index(fields=NEWEST, name="message_newest")),
        AddIndexOnline("message", models.Index(fields=["state", *NEWEST], name="message_by_state")),
        AddIndexOnline("message", models.Index(fields=["rule", *NEWEST], name="message_by_rule")),
        AddIndexOnline("message", models.Index(fields=["brand", *NEWEST], name="message_by_brand")),
        AddIndexOnline("message", models.Index(Reference("id"), name="message_by_reference")),
        AddIndexOnline("reader", models.Index(fields=["address_lookup", "role", "-message"], name="reader_by_role")),
        migrations.RemoveIndex("message", "vault_messa_made_at_dc31f7_idx"),
        migrations.RemoveIndex("message", "vault_messa_brand_i_182b49_idx"),
    ]
