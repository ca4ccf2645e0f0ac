"""Each reader's wrap of a message's key, and the epochs, generations and leaves that it ever lay under."""

from __future__ import annotations

from django.db import models

from portal.vault.models.messages import Message
from portal.vault.models.readers import Reader


class Epoch(models.Model):
    """An epoch that a message was ever wrapped under, with a number of the message in it; kept for destruction.

    Several in one epoch where the rights of some of its readers were narrowed (portal.vault.narrowing).
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="epochs")
    epoch = models.CharField(max_length=24)
    number = models.BigIntegerField()
    narrowed = models.BooleanField(default=False, db_default=False)
    """Made for readers whose rights were narrowed, and used for nobody else."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["epoch", "number"], name="number_unique_in_its_epoch"),
        ]
        indexes = [models.Index(fields=["message", "epoch"], name="epoch_of_message")]


class Generation(models.Model):
    """An epoch's generation that a newer one has taken over; it stays for older backups, then is destroyed whole.

    Or one that was destroyed by hand: kept, so that an older keyring is brought in line.
    """

    epoch = models.CharField(max_length=24, unique=True)
    """The superseded one, like 2026-12-17.0."""
    superseded_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)


class Wrap(models.Model):
    """The message key, wrapped for one reader under one epoch: 60 bytes."""

    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="wraps")
    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="wraps")
    wrapped = models.BinaryField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "epoch"], name="one_wrap_a_reader_and_epoch")]


class Leaf(models.Model):
    """A reader's leaf that is told apart from all others: made when their rights were narrowed, or left then.

    What was left is destroyed, or about to be, and nothing of that reader is ever wrapped under it again. The row
    stays, so that an older keyring is brought in line.
    """

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="leaves")
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="leaves")
    due_at = models.DateTimeField(null=True)
    """From when on it is to be destroyed; null while it has not been left."""
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["epoch", "reader"], name="leaf_once_a_reader")]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="leaf_to_destroy",
                condition=models.Q(destroyed_at=None, due_at__isnull=False),
            ),
        ]
