"""Passkeys as rows: the keys, whom authenticators know them to belong to, and the challenges that are used up."""

from __future__ import annotations

import secrets
import uuid

from django.db import models

from branding.models import Brand


def new_handle() -> bytes:
    """32 random bytes: an authenticator shows or syncs the handle, so it says nothing of anyone (WebAuthn 14.6.1)."""
    return secrets.token_bytes(32)


class Keyholder(models.Model):
    """A person as the authenticators of one brand know them, and what they said to the offer of a passkey."""

    person = models.ForeignKey("access.Person", on_delete=models.CASCADE, related_name="+")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    office = models.BooleanField(default=False)
    """As an administrator. A handle of its own: an authenticator keeps one passkey for each host and handle, so with a
    common one an administrator's would replace the same person's as a reader."""
    handle = models.BinaryField(max_length=32, default=new_handle, unique=True)
    asks_at = models.DateTimeField(null=True)
    """Not offered before this moment, after "Not now"."""
    never = models.BooleanField(default=False)
    """Not offered again at all."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "brand", "office"], name="one_handle_a_person_and_brand")
        ]


class Passkey(models.Model):
    """A public key whose private half an authenticator holds, good at one brand's host for one person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    person = models.ForeignKey("access.Person", on_delete=models.CASCADE, related_name="passkeys")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    office = models.BooleanField(default=False)
    """Lets an administrator in, and opens no message; one of a reader lets no administrator in."""
    credential = models.BinaryField(max_length=1023, unique=True)
    """Its id, chosen by the authenticator (WebAuthn Level 2 section 4, Credential ID)."""
    public_key = models.BinaryField()
    """COSE_Key (RFC 9052 section 7)."""
    sign_count = models.PositiveBigIntegerField()
    """The highest counter seen, 0 for authenticators that do not count."""
    transports = models.JSONField(default=list)
    name = models.BinaryField(default=b"")
    """What its owner calls it, sealed under the directory key (label "passkey")."""
    device = models.CharField(max_length=60, default="", blank=True)
    """The browser that it was added in, like "Safari on iPhone"."""
    synced = models.BooleanField(default=False)
    """May be copied to the owner's other devices by their provider (flag BE)."""
    backed_up = models.BooleanField(default=False)
    """Was, when last seen (flag BS)."""
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    proved_at = models.DateTimeField()
    """When its holder last proved the mailbox too. Of no meaning for an administrator's."""
    asleep_at = models.DateTimeField(null=True)
    """When a counter went backwards: since then it opens nothing."""
    waits_in = models.BinaryField(max_length=32, default=b"")
    """SHA-256 of the browser cookie in which it asked for a fresh proof of the mailbox; only one given there counts."""
    waits_until = models.DateTimeField(null=True)
    seal = models.BinaryField(max_length=48, default=b"", db_default=b"")
    """Over all that lets somebody in (portal.access.granted); one whose seal does not fit opens nothing."""

    class Meta:
        indexes = [models.Index(fields=["person", "brand", "office"])]

    def __str__(self) -> str:
        return f"passkey {self.id}"


class UsedChallenge(models.Model):
    """A challenge that was answered well once. Unused ones need no row (portal.access.challenges)."""

    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField(db_index=True)
