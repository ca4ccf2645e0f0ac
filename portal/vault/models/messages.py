"""Sealed messages: their containers, and the blobs of streams that are too large for those.

Clear columns are those that access control and housekeeping need (docs/sealed-format.md); all else is sealed.
"""

from __future__ import annotations

import uuid

from django.db import models

from branding.models import Brand
from portal.vault.reference import Reference


class Message(models.Model):
    """One sealed message. Its id is the id in the door's 250 answer."""

    class State(models.TextChoices):
        OPEN = "open"
        WITHDRAWN = "withdrawn"
        GONE = "gone"

    class Direction(models.TextChoices):
        OUT = "out"
        """Written inside the organisation, read here."""
        IN = "in"
        """Written here: an answer, or what someone writes to the organisation of their own accord."""

    class Delivery(models.TextChoices):
        LINK = "link"
        ATTACHMENT = "attachment"
        """The sealed streams travel with the notices, as message.html (portal.vault.parcels)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT)
    direction = models.CharField(max_length=3, choices=Direction.choices, default=Direction.OUT)
    rule = models.CharField(max_length=100, default="", db_default="", blank=True)
    """Name of the rule that asked for protection; empty for what was sealed before that was kept."""
    thread = models.UUIDField(db_index=True)
    """Id of the first message of the conversation."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    made_at = models.DateTimeField()
    open_until = models.DateTimeField(null=True)
    """Moment it closes; null means it stays open."""
    keys_until = models.DateTimeField(null=True)
    """Until when its keys outlive that moment, so that it can be opened again; null where they die with it."""
    rights = models.BinaryField()
    """Canonical CBOR of portal.vault.rights.Rights."""
    template = models.CharField(max_length=40, default="", db_default="", blank=True)
    """Short name of the RightsTemplate it was sealed under, as those it was sealed by named it; mostly none."""
    receipt = models.BooleanField(default=False, db_default=False)
    """Whether its sender is told by mail when a recipient opens it for the first time."""
    envelope = models.BinaryField()
    """Sender's name and address and the date, sealed under the directory key: shown before any proof."""
    mail_id_lookup = models.BinaryField(max_length=32, default=b"")
    """HMAC of the mail's Message-ID (label "mail-id"): an answer that names it belongs to this conversation."""
    split = models.CharField(max_length=6, default="", blank=True)
    """`strict` or `escrow`: its key needs a share that only a reader's notice holds. Wraps hold inner keys then."""
    padded_size = models.BigIntegerField()
    container = models.BinaryField()
    """CBOR map of stream name to sealed bytes, at most 256 KiB together; streams that are not here are blobs."""
    withdrawn_at = models.DateTimeField(null=True)
    """When it was withdrawn; nobody reads it from then on."""
    destroy_after = models.DateTimeField(null=True)
    """End of the grace period of a withdrawal, until which it can be undone."""
    held_at = models.DateTimeField(null=True)
    """Since when a legal hold keeps it from being destroyed, whatever else is asked; readers see nothing of that."""
    destroying_at = models.DateTimeField(null=True)
    """Claimed for destruction: from then on nothing adds a wrap, extends, holds or undoes."""
    destroyed_at = models.DateTimeField(null=True)
    """Keys, wraps and content are gone since then; this row is the tombstone."""
    reason = models.BinaryField(null=True)
    """Why it was withdrawn, sealed under the directory key (label "reason")."""
    delivery = models.CharField(
        max_length=10, choices=Delivery.choices, default=Delivery.LINK, db_default=Delivery.LINK.value
    )
    away_at = models.DateTimeField(null=True)
    """Since when its streams are only in the files that went with its notices; keys and readers stay."""

    class Meta:
        indexes = [
            models.Index(fields=["mail_id_lookup"]),
            # What administrators filter by. A page begins behind a message, so its id ends each of these.
            models.Index(fields=["-made_at", "-id"], name="message_newest"),
            models.Index(fields=["state", "-made_at", "-id"], name="message_by_state"),
            models.Index(fields=["rule", "-made_at", "-id"], name="message_by_rule"),
            models.Index(fields=["brand", "-made_at", "-id"], name="message_by_brand"),
            models.Index(Reference("id"), name="message_by_reference"),
            models.Index(
                fields=["destroy_after"],
                name="message_to_destroy",
                condition=models.Q(destroyed_at=None, destroy_after__isnull=False),
            ),
            models.Index(
                fields=["open_until"],
                name="message_to_close",
                condition=models.Q(destroyed_at=None, open_until__isnull=False),
            ),
            models.Index(
                fields=["destroyed_at"],
                name="message_destroyed",
                condition=models.Q(destroyed_at__isnull=False),
            ),
            models.Index(
                fields=["keys_until"],
                name="message_to_end",
                condition=models.Q(destroyed_at=None, keys_until__isnull=False),
            ),
            models.Index(
                fields=["destroying_at"],
                name="message_being_destroyed",
                condition=models.Q(destroyed_at=None, destroying_at__isnull=False),
            ),
            models.Index(
                fields=["made_at"],
                name="message_to_let_go",
                condition=models.Q(away_at=None, delivery="attachment"),
            ),
        ]

    @property
    def short_id(self) -> str:
        """What people can tell each other of it: the end of its id, for all begin with their time."""
        return self.id.hex[-8:]

    @property
    def is_approach(self) -> bool:
        """Whether it was written to the organisation of somebody's own accord: it is no answer to anything."""
        return self.direction == Message.Direction.IN and self.thread == self.id


class Blob(models.Model):
    """A stream too large for the container: one object in the blob store, named by this random id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="blobs")
    name = models.CharField(max_length=64)
    """Stream name, like `original` or `part/3`."""
    size = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "name"], name="stream_once_a_message")]
