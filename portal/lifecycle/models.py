"""Runs over many messages, and what readers ask of a sender: rows that outlive the request that made them."""

from __future__ import annotations

import uuid

from django.db import models

from portal.vault.models import Reader


class Run(models.Model):
    """One action over a set of messages that was fixed when it was confirmed."""

    class Action(models.TextChoices):
        WITHDRAW = "withdraw"
        DATE = "date"

    class State(models.TextChoices):
        ASKED = "asked"
        """It was counted, and nobody has confirmed it."""
        RUNNING = "running"
        DONE = "done"
        UNDOING = "undoing"
        UNDONE = "undone"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    action = models.CharField(max_length=8, choices=Action.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    chosen = models.BinaryField()
    """Which messages: portal.lifecycle.choosing.Choice, sealed under the directory key (label "bulk")."""
    who = models.CharField(max_length=12)
    by = models.CharField(max_length=64, blank=True)
    """As portal.lifecycle.actors.Actor."""
    reason = models.CharField(max_length=20, blank=True)
    tell = models.BooleanField(null=True)
    """Whether recipients get a mail; null for what each brand does."""
    until = models.DateTimeField(null=True)
    """Of DATE: when they close then; null for never."""
    total = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField()
    """What came later is not among them."""
    confirmed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    undo_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-asked_at"]), models.Index(fields=["state", "due_at"])]


class RunItem(models.Model):
    """One message of a run, and what became of it."""

    class Outcome(models.TextChoices):
        WAITING = ""
        DONE = "done"
        HELD = "held"
        """Withdrawn, and kept by a legal hold."""
        ALREADY = "already"
        """It was withdrawn before, or has that date."""
        GONE = "gone"
        """It was destroyed."""
        FAILED = "failed"
        """Its keys did not open; nothing was changed."""
        UNDONE = "undone"
        KEPT = "kept"
        """It could not be undone any more."""
        SKIPPED = "skipped"
        """The run was undone before its turn."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="items")
    message = models.UUIDField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.WAITING, blank=True)
    at = models.DateTimeField(null=True)
    """Of a withdrawal: the message's own moment of it, so that no other is undone."""
    was = models.DateTimeField(null=True)
    """Of DATE: when it closed before."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "message"], name="message_once_a_run")]
        indexes = [models.Index(fields=["run", "outcome"])]


class MoreTime(models.Model):
    """A reader asks for a closed message to be opened again."""

    class State(models.TextChoices):
        OPEN = "open"
        GRANTED = "granted"
        DECLINED = "declined"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    token_lookup = models.BinaryField(max_length=32, null=True, unique=True)
    """HMAC of what the sender's mail holds (label "more-time"); null once it was used."""

    class Meta:
        indexes = [models.Index(fields=["state", "asked_at"])]


class Kept(models.Model):
    """For how many days one kind of old rows is kept, where that was changed (portal.operations.retention)."""

    what = models.CharField(max_length=12, primary_key=True)
    days = models.PositiveIntegerField()
    """0 for ever."""
    changed_at = models.DateTimeField()
