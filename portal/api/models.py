"""What programs use: tokens by which they call us, and webhooks by which we call them."""

from __future__ import annotations

import uuid

from django.db import models

from branding.models import Brand


class Token(models.Model):
    """A bearer token for the HTTP API. Only its digest is kept; it is shown once, when made or renewed."""

    name = models.CharField(max_length=80)
    digest = models.BinaryField(max_length=32, unique=True)
    """Random once it is revoked: then no token has it."""
    old_digest = models.BinaryField(max_length=32, null=True, unique=True)
    """That of the token before it was renewed, which counts until `old_until`."""
    old_until = models.DateTimeField(null=True)
    scopes = models.JSONField(null=True)
    """Words of portal.api.scopes; null for a token from before there were any."""
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, null=True, related_name="+")
    """The one brand whose messages it may see and send; null for all."""
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.UUIDField(null=True)
    """The administrator's row; null for the command line."""
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    """The row stays, for the record names it."""
    used_at = models.DateTimeField(null=True)
    """The minute it was last used in."""
    uses = models.PositiveIntegerField(default=0, db_default=0)
    """Requests in that minute."""
    seal = models.BinaryField(max_length=48, default=b"", db_default=b"")
    """Over what it may do, where and how long (portal.api.granted); one that does not fit is no token."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(revoked_at=None), name="one_token_in_use_a_name"
            )
        ]

    @property
    def owner(self) -> str:
        """How other rooms name it, as who has handed something in."""
        return f"token:{self.pk}"


class HandedIn(models.Model):
    """One mail that came by `POST /api/v1/messages`: whose it is, and by which key it would be known again."""

    message = models.UUIDField(primary_key=True)
    """Id of the spooled mail."""
    token = models.ForeignKey(Token, on_delete=models.CASCADE, related_name="+")
    key_lookup = models.BinaryField(max_length=32, null=True, unique=True)
    """Keyed hash of the token and its idempotency key (label "api-key"); null without one."""
    digest = models.BinaryField(max_length=32, default=b"")
    """Keyed hash of what was sent (label "api-mail")."""
    made_at = models.DateTimeField(db_index=True)


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
