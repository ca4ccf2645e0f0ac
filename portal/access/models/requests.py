"""Requests to a sender to send a message to another address too."""

from __future__ import annotations

import uuid

from django.db import models

from portal.access.models.people import Person
from portal.vault.models import Reader


class AskedSender(models.Model):
    """A person asked the sender of a message that was not sent to them to send it to them too (R4).

    It opens nothing and adds nobody: the sender decides (portal.sent.asked), or writes to whom they like.
    """

    class Answer(models.TextChoices):
        SENT = "sent"
        NO = "no"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="+")
    """Whose link they had."""
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    """Who asks; their address is proved."""
    note = models.BinaryField(default=b"")
    """What they wrote to the sender, sealed (label "asked-sender")."""
    at = models.DateTimeField()
    answer = models.CharField(max_length=4, choices=Answer.choices, default="", db_default="", blank=True)
    """What its sender decided here; "" while they have not."""

    class Meta:
        indexes = [models.Index(fields=["-at"], name="asked_sender_by_time")]
