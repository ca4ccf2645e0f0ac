"""People known by their address, what they were asked, and the browsers they are signed in with."""

from __future__ import annotations

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django_otp.models import Device

from branding.models import Brand
from portal.vault.models import Reader


class Person(AbstractBaseUser):
    """An address that has proved itself at least once, or an administrator. No password is ever set."""

    class Role(models.TextChoices):
        READER = "reader"
        OWNER = "owner"
        """Administrator. Sees no content."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    lookup = models.CharField(max_length=64, unique=True)
    """Hex HMAC of the normalised address (label "address"); "nobody" for the person that stands for unknown ones."""
    address = models.BinaryField(default=b"")
    """Sealed under the directory key (label "person")."""
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.READER)

    USERNAME_FIELD = "lookup"
    objects: BaseUserManager[Person] = BaseUserManager()


class Challenge(Device):  # type: ignore[misc]
    """One request for a passcode, by one browser. Holds no code: portal.access.passcodes derives it."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, null=True)
    """The message asked for; null when an address was typed on the neutral page."""
    address_lookup = models.BinaryField(max_length=32)
    browser = models.BinaryField(max_length=32)
    """SHA-256 of the browser cookie that asked; the code works in that browser only."""
    reference = models.CharField(max_length=12)
    round = models.PositiveSmallIntegerField(default=1)
    """Goes up at each resend; the code depends on it, so old codes die."""
    guesses = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["browser", "-made_at"])]


class Asked(models.Model):
    """A passcode mail asked for; rows of the last day are the sending budget."""

    address_lookup = models.BinaryField(max_length=32)
    trusted = models.BinaryField(max_length=32, default=b"")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["address_lookup", "-at"])]


class Failed(models.Model):
    """A wrong passcode; rows of the last day are the guessing budget, which no restart and no resend refills."""

    address_lookup = models.BinaryField(max_length=32)
    reader = models.UUIDField(null=True)
    trusted = models.BinaryField(max_length=32, default=b"")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["address_lookup", "-at"])]


class TrustedBrowser(models.Model):
    """A browser in which an address proved itself before: it has budgets of its own, so strangers cannot lock it out."""

    token = models.BinaryField(max_length=32)
    """SHA-256 of the cookie."""
    address_lookup = models.BinaryField(max_length=32)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "address_lookup"], name="trust_once_a_browser_and_address")]


class Session(models.Model):
    """A signed-in browser. The row is checked on every request; deleting it signs out at once."""

    token = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the cookie: a dump of the database signs nobody in."""
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="sessions")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE)
    method = models.CharField(max_length=12, default="passcode")
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    idle_seconds = models.PositiveIntegerField()
    ends_at = models.DateTimeField()


class EntryLink(models.Model):
    """A one-time sign-in link for an administrator, printed by `manage.py administrator`."""

    token = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the link's secret."""
    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
