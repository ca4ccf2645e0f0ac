"""What lasts for minutes: parcels that browsers posted, and how many pictures were fetched."""

from __future__ import annotations

import uuid

from django.db import models

from portal.vault.models.readers import Reader


class Parked(models.Model):
    """A parcel that a browser posted: sealed bytes in the blob store for half an hour, or a failed post."""

    blob = models.UUIDField(primary_key=True, default=uuid.uuid4)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="+")
    """Whose message.html it was, as that says. Nothing is proved by it."""
    handle_lookup = models.BinaryField(max_length=32, null=True, unique=True)
    """HMAC of the handle (label "link"); null until all bytes are here."""
    network = models.BinaryField(max_length=32)
    """HMAC of the /24 or /64 it came from (label "network")."""
    size = models.BigIntegerField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["network", "expires_at"], name="parked_by_network")]


class Fetched(models.Model):
    """How many pictures of the internet were fetched for one network, or for the readers of one brand, in one span."""

    whose = models.BinaryField(max_length=32)
    """HMAC of which network or brand (label "fetched")."""
    span = models.DateTimeField()
    """When the span began."""
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["whose", "span"], name="fetched_once_a_span")]
