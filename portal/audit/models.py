"""Entries of the record: what happened, when, to which message; never content, never an address."""

from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """One thing that happened. Rows are only ever added (portal.audit.record)."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    """One of the event names of docs/events.md, like `message.sealed`."""
    message = models.UUIDField(null=True)
    """The message it concerns; not a foreign key, the record outlives what it speaks of."""
    reader = models.UUIDField(null=True)
    facts = models.JSONField(default=dict)
    """Numbers, states and reasons from fixed lists; nothing that a person wrote."""

    class Meta:
        indexes = [models.Index(fields=["message", "id"]), models.Index(fields=["kind", "-id"])]
