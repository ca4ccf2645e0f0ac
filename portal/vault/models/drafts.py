"""What people are writing and have not sent, with files that are added to it piece by piece."""

from __future__ import annotations

import uuid

from django.db import models

from branding.models import Brand
from portal.vault.models.readers import Reader


class Unsent(models.Model):
    """What a person is writing and has not sent; on screens it is a draft (portal.vault.unsent)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, null=True, related_name="unsent")
    """Who writes it at which message; null for what is written to the organisation of somebody's own accord."""
    kind = models.CharField(max_length=7)
    """One of portal.vault.unsent.KINDS."""
    version = models.UUIDField()
    """Another with each change: a window that knows an older one learns that somebody else was at work."""
    words = models.BinaryField()
    """The sealed stream `words` of this row's id, under the message's key."""
    saved_at = models.DateTimeField(db_index=True)
    other = models.BinaryField(null=True)
    """The words that a window wrote over without having seen them, sealed as they were."""
    other_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "kind"], name="one_unsent_of_a_kind")]


class UnsentFile(models.Model):
    """A file that was added to it: a sealed stream in the blob store, named by this id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    unsent = models.ForeignKey(Unsent, on_delete=models.CASCADE, related_name="files")
    about = models.BinaryField()
    """Name, content type and size, the sealed stream `about` of this row's id."""


class Arriving(models.Model):
    """A file that is being added to it, piece by piece (portal.vault.arriving). Its id becomes its UnsentFile's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    unsent = models.ForeignKey(Unsent, on_delete=models.CASCADE, related_name="arriving")
    about = models.BinaryField()
    """Name, content type, size and when it was changed, the sealed stream `arriving` of this row's id."""
    have = models.BigIntegerField(default=0)
    """How many of its bytes are here."""
    touched_at = models.DateTimeField(db_index=True)


class ArrivingPiece(models.Model):
    """Some of its bytes: a sealed stream of this row's id, its file and its place, in the blob store under that id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    arriving = models.ForeignKey(Arriving, on_delete=models.CASCADE, related_name="pieces")
    start = models.BigIntegerField()
    size = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["arriving", "start"], name="piece_once_an_arriving_file")]


class Approach(models.Model):
    """Someone writes to the organisation of their own accord: a draft until their address is proved, then that it was
    sent. A day long, in which it counts for what one network and one address may send (portal.writing.approaches).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    token = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the browser's cookie, whose other half is the draft's key: nothing here opens it."""
    network = models.BinaryField(max_length=32, default=b"")
    """Keyed hash of the network it was begun from; empty where that is not known, or the address was proved before."""
    size = models.BigIntegerField(default=0)
    """Sealed bytes that are kept for it."""
    asked = models.BinaryField(max_length=32, default=b"")
    """Keyed hash of the address that was given last."""
    proved = models.BinaryField(max_length=32, default=b"")
    """The same of the address that was proved in this browser, if one was."""
    proved_at = models.DateTimeField(null=True)
    unsent = models.OneToOneField(Unsent, on_delete=models.SET_NULL, null=True, related_name="approach")
    made_at = models.DateTimeField(db_index=True)
    sent_at = models.DateTimeField(null=True)
    message = models.UUIDField(null=True)
    """What it became."""

    class Meta:
        indexes = [
            models.Index(fields=["network", "made_at"], name="approach_by_network"),
            models.Index(fields=["proved", "sent_at"], name="approach_by_address"),
        ]
