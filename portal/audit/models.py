"""Entries of the record, and the Merkle tree that shows when one was changed, taken out or slipped in."""

from __future__ import annotations

import os

from django.db import models

from portal.audit.leaves import SALT_BYTES


def _salt() -> bytes:
    return os.urandom(SALT_BYTES)


class Entry(models.Model):
    """One thing that happened; never content, never an address. Rows are only ever added (portal.audit.record)."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    """One of the event names of docs/events.md, like `message.sealed`."""
    message = models.UUIDField(null=True)
    """The message it concerns; not a foreign key, the record outlives what it speaks of."""
    reader = models.UUIDField(null=True)
    facts = models.JSONField(default=dict)
    """Numbers, states and reasons from fixed lists; nothing that a person wrote."""
    salt = models.BinaryField(null=True, default=_salt)
    """Goes with reader and facts when they are erased; entries older than the tree have none."""
    sealed = models.BinaryField(null=True)
    """The commitment to what was erased, by which the entry still proves its leaf (portal.audit.leaves)."""

    class Meta:
        indexes = [models.Index(fields=["message", "id"]), models.Index(fields=["kind", "-id"])]


class Tree(models.Model):
    """The tree's growing edge, one row; whoever locks it is the one that adds leaves."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)
    frontier = models.BinaryField(default=b"")
    """Roots of its full subtrees, largest first, 32 bytes each."""
    settled = models.BigIntegerField(default=0)
    """All entries up to this id are leaves."""
    seen = models.BigIntegerField(default=0)
    """The highest id that was met; what is below becomes settled once no transaction can still bring one."""
    seen_at = models.DateTimeField(null=True)
    searched_at = models.DateTimeField(null=True)
    """When all entries were last compared with all leaves, for one that came later than anything should."""


class Leaf(models.Model):
    """An entry's place in the tree."""

    index = models.BigIntegerField(primary_key=True)
    entry = models.BigIntegerField(unique=True)
    """An entry's id; not a foreign key, so that one taken out leaves its gap here to be found."""
    hash = models.BinaryField()


class Block(models.Model):
    """The root of 1,024 leaves in a row, so that a proof need not read them all."""

    index = models.BigIntegerField(primary_key=True)
    hash = models.BinaryField()


class Check(models.Model):
    """One look at everything that was recorded (portal.audit.checking): asked for by hand, or once a day."""

    asked_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    done = models.BooleanField(default=False)
    entries = models.BigIntegerField(default=0)
    heads = models.BigIntegerField(default=0)
    erased = models.BigIntegerField(default=0)
    faults = models.JSONField(default=list)
    """Sentences, the first twenty; none when all is as recorded."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["done"], condition=models.Q(done=False), name="one_unfinished_check")
        ]


class Head(models.Model):
    """A signed tree head: from then on the first `size` entries cannot be changed unseen by anyone who kept it."""

    size = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    note = models.TextField()
    """The signed text (portal.audit.heads)."""

    class Meta:
        indexes = [models.Index(fields=["at"])]
