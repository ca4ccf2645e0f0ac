"""What is counted of passcodes and who is spared by it: mails asked for, wrong guesses, browsers known before."""

from __future__ import annotations

import uuid

from django.db import models

from branding.models import Brand


class Asked(models.Model):
    """A passcode mail asked for; rows of the last day are the sending budget."""

    address_lookup = models.BinaryField(max_length=32)
    trusted = models.BinaryField(max_length=32, default=b"")
    at = models.DateTimeField()
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, null=True, related_name="+")
    """Null in rows of version 0.1.0, which lasted a day."""
    network = models.BinaryField(max_length=32, default=b"", db_default=b"")
    """Keyed hash of the /24 or /64 it was asked from; empty where that is not known."""
    around = models.BinaryField(max_length=32, default=b"", db_default=b"")
    """The same of the /48 around an IPv6 network; empty with IPv4."""

    class Meta:
        indexes = [
            models.Index(fields=["address_lookup", "-at"]),
            models.Index(fields=["brand", "-at"], name="asked_by_brand"),
            models.Index(fields=["network", "-at"], name="asked_by_network"),
            models.Index(fields=["around", "-at"], name="asked_by_network_around"),
        ]


class CeilingReached(models.Model):
    """A time in which more passcode mail was asked for than a ceiling lets pass: administrators are told at its
    beginning and at its end."""

    class Ceiling(models.TextChoices):
        NETWORK = "network"
        BRAND = "brand"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    ceiling = models.CharField(max_length=7, choices=Ceiling.choices)
    began_at = models.DateTimeField()
    last_at = models.DateTimeField()
    """When a mail was last refused; noted at most once a minute."""
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "ceiling"], condition=models.Q(ended_at=None), name="ceiling_reached_once_at_a_time"
            )
        ]


class Failed(models.Model):
    """A wrong passcode; rows of the last day are the guessing budget, which no restart and no resend refills.

    Other budgets of a day have rows here too, under look-ups that are no address's (portal.access.budgets).
    """

    address_lookup = models.BinaryField(max_length=32)
    reader = models.UUIDField(null=True)
    trusted = models.BinaryField(max_length=32, default=b"")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["address_lookup", "-at"])]


class TrustedBrowser(models.Model):
    """A browser in which an address proved itself before: it has budgets of its own, which no stranger can spend."""

    token = models.BinaryField(max_length=32)
    """SHA-256 of the cookie."""
    address_lookup = models.BinaryField(max_length=32)
    seen_at = models.DateTimeField()
    passkey_at = models.DateTimeField(null=True)
    """When a passkey of the address was last added or used in it; the page then offers that first."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "address_lookup"], name="trust_once_a_browser_and_address")
        ]
