"""The spool: mail that was answered 250 and is on its way to be sealed or relayed."""

from __future__ import annotations

import uuid

from django.db import models


class Spooled(models.Model):
    """One accepted mail. Its bytes are in the spool folder, sealed to a door key; nothing here says who or what."""

    class State(models.TextChoices):
        RECEIVED = "received"
        SEALED = "sealed"
        """The message is in the vault and its notices are rows; the spool file may go."""
        RELAYING = "relaying"
        """Needs no protection; its spool file stays until the relay took it for every recipient."""
        DONE = "done"
        HELD = "held"
        """Cannot go on by itself; an administrator sees why and may try again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RECEIVED)
    door_key = models.CharField(max_length=40)
    size = models.BigIntegerField()
    """Bytes of the mail as received."""
    recipients = models.PositiveSmallIntegerField()
    received_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    unfinished = models.PositiveSmallIntegerField(default=0)
    """Times that work on it began without an orderly end: the process died or was ended, or the unforeseen broke."""
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=64, blank=True)
    last_error = models.CharField(max_length=240, blank=True)
    """A sentence from our own error families; never the text of a foreign exception."""

    class Meta:
        indexes = [models.Index(fields=["state", "due_at"])]
