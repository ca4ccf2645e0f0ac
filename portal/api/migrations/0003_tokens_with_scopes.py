"""Tokens have scopes, a day on which they expire, a brand, and stay as rows when they are revoked."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0002_webhooks"),
        ("branding", "0007_reminders"),
    ]

    operations = [
        migrations.AddField(
            model_name="token",
            name="brand",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="branding.brand"
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="token",
            name="made_by",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="token",
            name="old_digest",
            field=models.BinaryField(max_length=32, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="token",
            name="old_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="token",
            name="revoked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="token",
            name="scopes",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="token",
            name="uses",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name="token",
            name="name",
            field=models.CharField(max_length=80),
        ),
        migrations.AddConstraint(
            model_name="token",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at", None)), fields=("name",), name="one_token_in_use_a_name"
            ),
        ),
    ]
