"""What the door keeps in the database: mail on its way, the bulk runs some came in, and who may hand mail in."""

from __future__ import annotations

import uuid

from django.db import models


class Spooled(models.Model):
    """One accepted mail. Its bytes are in the spool folder, sealed to a door key; nothing here says who or what."""

    class State(models.TextChoices):
        """What leads from one to another is in portal.ingest.states, and only that may change it."""

        RECEIVED = "received"
        SEALED = "sealed"
        """The message is in the vault and its notices are rows; the spool file may go."""
        RELAYING = "relaying"
        """Needs no protection; its spool file stays until the relay took it for every recipient."""
        DONE = "done"
        HELD = "held"
        """Cannot go on by itself; an administrator sees why and may try again, or end it."""
        REFUSED = "refused"
        """Ended by an administrator, who told its sender why."""

        DROPPED = "dropped"
        """Deleted by a rule that an owner published; nobody was told, and the record says which."""

    class Approval(models.TextChoices):
        ASKED = "asked"
        GIVEN = "given"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RECEIVED)
    bulk = models.BooleanField(default=False, db_default=False)
    """Came in a bulk run: the queue `bulk` takes it on, and ordinary mail goes first."""
    door_key = models.CharField(max_length=40)
    size = models.BigIntegerField()
    """Bytes of the mail as received."""
    recipients = models.PositiveSmallIntegerField()
    received_at = models.DateTimeField()
    due_at = models.DateTimeField()
    held_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    unfinished = models.PositiveSmallIntegerField(default=0)
    """Times that work on it began without an orderly end: the process died or was ended, or the unforeseen broke."""
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=64, blank=True)
    last_error = models.CharField(max_length=240, blank=True)
    """A sentence from our own error families; never the text of a foreign exception."""
    approval = models.CharField(max_length=5, choices=Approval.choices, default="", db_default="", blank=True)
    """Where a rule holds it until an administrator approves it."""
    asked_in = models.UUIDField(null=True)
    """The portal's own message that asks those whom a rule names to approve it (portal.ingest.incidents)."""
    change = models.BinaryField(null=True)
    """What rules change in the bytes that are passed on (portal.ingest.ordering), sealed (label "spooled-change")."""

    class Meta:
        indexes = [
            models.Index(fields=["state", "due_at"]),
            # Each claim asks for one state of one kind, oldest first: it reads the rows it takes and no others.
            models.Index(fields=["bulk", "state", "due_at"], name="spooled_by_queue"),
            models.Index(fields=["asked_in"], condition=models.Q(asked_in__isnull=False), name="spooled_by_request"),
        ]


class Run(models.Model):
    """One bulk run: many mails handed in as one body, under a key that makes doing it twice the same as once."""

    class State(models.TextChoices):
        OPEN = "open"
        """Its body has not come whole yet; sending it again goes on where it was cut."""
        TAKEN = "taken"
        """Every item is either spooled or refused with a reason."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.CharField(max_length=40)
    """Who may see it: the token's row, or `command`."""
    key_lookup = models.BinaryField(max_length=32, unique=True)
    """Keyed hash of owner and idempotency key (label "bulk-key")."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    made_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)
    accepted = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=64, blank=True)
    """One request at a time feeds a run."""


class Item(models.Model):
    """One mail of a bulk run: where it stood in the body and what became of it."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="items")
    number = models.PositiveIntegerField()
    """From 1; of NDJSON the line's number."""
    name = models.BinaryField(default=b"")
    """File name in the archive or folder, sealed under the directory key (label "bulk-name"); empty for a line."""
    digest = models.BinaryField(max_length=32)
    """Keyed hash of its bytes (label "bulk-item"): the same key with another body is noticed."""
    spooled = models.UUIDField(null=True)
    """Id of the spooled mail; null when it was refused."""
    reason = models.CharField(max_length=240, blank=True)
    """A sentence from our own error families."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="item_once_a_run")]
        indexes = [
            models.Index(fields=["run", "number"], name="item_refused", condition=models.Q(spooled=None)),
        ]


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
    max_hourly = models.PositiveIntegerField(default=0, db_default=0)
    header = models.CharField(max_length=64, default="", db_default="", blank=True)
    header_digests = models.TextField(default="", db_default="", blank=True)
    """SHA-256 in hex of each value that counts, the newest first; the values themselves are kept nowhere."""
    seal = models.BinaryField(max_length=48, default=b"", db_default=b"")
    """Over all but when it was made (portal.ingest.granted): the door passes over a row that somebody wrote."""
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["login"], condition=~models.Q(login=""), name="one_connector_a_login"),
            models.CheckConstraint(
                condition=~models.Q(networks="", certificate="", login=""), name="connector_asks_for_something"
            ),
        ]


class Hourly(models.Model):
    """What a connector with an hourly limit has used of it, for all doors together; portal.ingest.hourly counts here.

    By name and not by a foreign key: connectors may be removed by a version that knows nothing of this table.
    """

    connector = models.CharField(max_length=64, primary_key=True)
    used = models.FloatField()
    """Recipients, at the moment `at`; as time goes by they come back."""
    at = models.DateTimeField()
