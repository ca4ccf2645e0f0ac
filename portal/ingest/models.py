"""What the door keeps in the database: mail that was answered 250 and is on its way, and who may hand mail in."""

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


class Connector(models.Model):
    """One way in for a mail server or program; portal.ingest.connectors says what the fields mean."""

    name = models.CharField(max_length=64, unique=True)
    networks = models.TextField(default="", blank=True)
    """As written, words with spaces between, like the domains."""
    certificate = models.CharField(max_length=253, default="", blank=True)
    login = models.CharField(max_length=128, default="", blank=True)
    password = models.CharField(max_length=255, default="", blank=True)
    """Hashed by Django's hashers."""
    domains = models.TextField(default="", blank=True)
    tls_required = models.BooleanField(default=False)
    max_sessions = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["login"], condition=~models.Q(login=""), name="one_connector_a_login"),
            models.CheckConstraint(
                condition=~models.Q(networks="", certificate="", login=""), name="connector_asks_for_something"
            ),
        ]
