"""What programs use: tokens by which they call us, and webhooks by which we call them."""

from __future__ import annotations

import uuid

from django.db import models


class Token(models.Model):
    """A bearer token for the HTTP API. Only its digest is kept; it is shown once, when made."""

    name = models.CharField(max_length=80, unique=True)
    digest = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)


class Webhook(models.Model):
    """An address that is told what is recorded."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=80, unique=True)
    sealed = models.BinaryField()
    """Its address and secrets (portal.api.webhooks.Where): an address may carry a password of the other side's."""
    events = models.JSONField(default=list)
    """Kinds, or families like `message.*`; none is all."""
    private = models.BooleanField(default=False)
    """It may lie in a network of one's own."""
    on = models.BooleanField(default=True)
    made_at = models.DateTimeField(auto_now_add=True)
    next_index = models.BigIntegerField()
    """The place in the record's tree from which entries are to be told."""


class Delivery(models.Model):
    """One entry for one webhook. Its id is the webhook-id header, the same at every try."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    entry = models.BigIntegerField(null=True)
    """The entry of the record it tells of; none for a test."""
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    answer = models.CharField(max_length=80, default="")
    """What came of the last try: a status, or a reason from a list."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["webhook", "entry"], name="an_entry_is_told_once")]
        indexes = [models.Index(fields=["state", "due_at"]), models.Index(fields=["made_at"])]
