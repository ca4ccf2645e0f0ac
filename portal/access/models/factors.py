"""Authenticator apps, the codes that stand in for them, and wrong ones."""

from __future__ import annotations

import uuid

from django.db import models

from portal.access.models.people import Person
from portal.access.models.sessions import Session


class Authenticator(models.Model):
    """An authenticator app of a person, recipient or administrator: the second factor (RFC 6238). One a person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="authenticator")
    session = models.ForeignKey(Session, on_delete=models.SET_NULL, null=True, related_name="+")
    """Where it is being set up: no other browser of the person is shown the secret. Null once it counts."""
    secret = models.BinaryField()
    """20 bytes, sealed under the directory key (label "authenticator")."""
    made_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    """Since when it counts: one code from it was typed."""
    last_step = models.BigIntegerField(default=0)
    """The newest 30-second step whose code was taken; none is taken twice, and no older one."""
    seal = models.BinaryField(max_length=48, default=b"", db_default=b"")
    """Since it counts (portal.access.granted): another's app that is put here proves nothing."""


class RecoveryCode(models.Model):
    """One of the ten codes that stand in for a lost authenticator app, each once."""

    authenticator = models.ForeignKey(Authenticator, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField(max_length=32)
    """HMAC of authenticator and code (label "recovery-code")."""
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["authenticator", "digest"], name="recovery_code_once")]


class WrongFactor(models.Model):
    """A wrong code typed for an authenticator app; rows of the last day are the budget."""

    authenticator = models.ForeignKey(Authenticator, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["authenticator", "-at"])]
