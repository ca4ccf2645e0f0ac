"""Who may read a message, by which link, and what they agreed on; the words that it is found by."""

from __future__ import annotations

import uuid

from django.db import models

from portal.vault.models.messages import Message


class Reader(models.Model):
    """One address that may read one message, by one link."""

    class Role(models.TextChoices):
        RECIPIENT = "recipient"
        AUTHOR = "author"
        """The person who wrote it; reads it, gets no notice."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="readers")
    number = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.RECIPIENT)
    address = models.BinaryField()
    """Sealed under the directory key (label "reader")."""
    address_lookup = models.BinaryField(max_length=32)
    """HMAC of the normalised address (label "address")."""
    link = models.BinaryField()
    """The 22 characters, sealed under the directory key (label "link"): a dump of the database gives no link."""
    link_lookup = models.BinaryField(max_length=32, unique=True)
    split_key = models.BinaryField(max_length=60, default=b"")
    """The message key of a split message, sealed under this reader's inner key and share."""
    escrow = models.BinaryField(default=b"")
    """With `escrow`: that share, sealed to the recovery key."""
    first_opened_at = models.DateTimeField(null=True)
    rights = models.BinaryField(null=True)
    """As of the message, where this reader's own were changed since (portal.lifecycle.granting); else null."""
    hidden_at = models.DateTimeField(null=True)
    """Since when they do not want it in their list. It stays readable, and nothing of it is deleted."""
    indexed = models.BooleanField(default=False, db_default=False)
    """Whether it has search tokens; without, it is found by opening it."""
    withdrawn_at = models.DateTimeField(null=True)
    """These five as in Message, for this one reader."""
    destroy_after = models.DateTimeField(null=True)
    destroying_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)
    reason = models.BinaryField(null=True)

    parked: uuid.UUID | None = None
    """In memory only: the blob of the posted parcel by whose handle it was found. Then its message's streams are read
    from that."""
    handle: str = ""
    """In memory only: that handle, which stands in the place of the link in every address shown."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="reader_number_unique_in_message"),
            models.UniqueConstraint(fields=["message", "address_lookup"], name="one_reader_an_address"),
            models.CheckConstraint(condition=models.Q(number__lt=4096), name="reader_number_has_12_bits"),
        ]
        indexes = [
            models.Index(fields=["address_lookup", "message"]),
            models.Index(fields=["address_lookup", "role", "-message"], name="reader_by_role"),
            models.Index(
                fields=["destroy_after"],
                name="reader_to_destroy",
                condition=models.Q(destroyed_at=None, destroy_after__isnull=False),
            ),
        ]


class SearchToken(models.Model):
    """One beginning of one word in a message's sender or subject, as a keyed hash (portal.vault.searching)."""

    # Looked for by its token, so that is its place in the table; no number besides, for there are dozens a message.
    pk = models.CompositePrimaryKey("token", "reader")
    token = models.BinaryField(max_length=8)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="tokens")


class Phrase(models.Model):
    """The phrase agreed with one reader for one message, as it is checked; the phrase itself is nowhere."""

    reader = models.OneToOneField(Reader, on_delete=models.CASCADE, related_name="phrase")
    sealed = models.BinaryField()
    """Salt, Argon2id hash and hint, sealed under the directory key (label "phrase"): a dump is nothing to guess at."""
    tries = models.PositiveSmallIntegerField(default=0)
    """Wrong ones so far, and those that are being looked at."""
