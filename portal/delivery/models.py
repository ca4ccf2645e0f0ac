"""What is to leave by mail: a row each before any task, so that a lost bell rings again."""

from __future__ import annotations

import uuid

from django.db import models

from portal.vault.models import Reader


class Outbound(models.Model):
    """One mail to one address. Its id makes its Message-ID, so that sending twice is seen as one."""

    class Kind(models.TextChoices):
        NOTICE = "notice"
        PASSCODE = "passcode"
        REPLY = "reply"
        """An answer written here, delivered into a mailbox of the organisation."""
        RELAY = "relay"
        """Mail that needed no protection, passed on from the spool."""
        REFUSAL = "refusal"
        """To the sender of a mail that an administrator refused: why it did not go out."""

    class State(models.TextChoices):
        DUE = "due"
        SENDING = "sending"
        """Handed to the relay now; after a crash here the mail may have left once already."""
        SENT = "sent"
        FAILED = "failed"
        """Refused for good; kept for an administrator."""
        DROPPED = "dropped"
        """No longer wanted, like a passcode whose time has passed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DUE)
    bulk = models.BooleanField(default=False, db_default=False)
    """Belongs to a bulk run: the queue `bulk` sends it, and ordinary mail goes first."""
    message = models.UUIDField(null=True, db_index=True)
    """The message, or for RELAY the spooled mail, that it belongs to."""
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, null=True)
    subject_row = models.UUIDField(null=True)
    """The challenge a PASSCODE speaks of."""
    address = models.BinaryField()
    """Envelope recipient, sealed under the directory key (label "outbound")."""
    sender = models.BinaryField(default=b"")
    """Envelope sender of a RELAY, sealed likewise (label "outbound-sender")."""
    share = models.BinaryField(default=b"")
    """The reader's share of a split message, sealed to the door key until the mail has left or failed, then empty."""
    words = models.BinaryField(default=b"", db_default=b"")
    """What an administrator wrote into a REFUSAL, sealed likewise (label "outbound-words")."""
    door_key = models.CharField(max_length=10, default="", blank=True)
    """Id of the door key that `share` is sealed to; as long as a row names it, it is kept."""
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=64, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    last_answer = models.CharField(max_length=120, blank=True)
    """Status code and enhanced code of the relay's last answer; never its free text, which may hold an address."""

    class Meta:
        indexes = [
            models.Index(fields=["state", "kind", "due_at"]),
            # Each claim asks for one kind in one state, oldest first: it reads the rows it takes and no others.
            models.Index(fields=["bulk", "state", "kind", "due_at"], name="outbound_by_queue"),
        ]
