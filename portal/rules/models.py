"""What the rules keep: their versions, how often each rule spoke, and for a few days facts to try other rules on."""

from __future__ import annotations

import uuid

from django.db import models


class Version(models.Model):
    """One published rule set. Rows are never changed; the highest number is live, and with none the built-in set is."""

    number = models.PositiveIntegerField(primary_key=True)
    document = models.JSONField()
    """As portal.rules.document checks it."""
    made_at = models.DateTimeField()
    made_by = models.UUIDField(null=True)
    """The administrator (portal.access.models.Person); null for a command."""
    note = models.CharField(max_length=200, blank=True)
    seal = models.BinaryField(max_length=48, default=b"", db_default=b"")
    """Over number, document and who published it (portal.rules.granted); one that does not fit decides on no mail."""


class Draft(models.Model):
    """What the next version would be; at most one row (portal.rules.draft)."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    document = models.JSONField()
    """As portal.rules.document checks it."""
    base = models.PositiveIntegerField()
    """The number of the version that it was begun from."""
    made_at = models.DateTimeField()
    made_by = models.UUIDField(null=True)


class Hits(models.Model):
    """How often a rule spoke on one day. Workers add rows and never change one, so that none waits for another; those
    of past days are added up by the tidying."""

    rule = models.CharField(max_length=40)
    day = models.DateField()
    only_logged = models.BooleanField(default=False)
    number = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["day", "rule"], name="rules_hits_by_day")]


class Seen(models.Model):
    """What is kept of a decided mail for trying other rules on it: no subject, no text, no file."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    """That of the mail."""
    at = models.DateTimeField(db_index=True)
    facts = models.BinaryField()
    """portal.rules.seen as CBOR, sealed under the directory key (label "rules-seen")."""
