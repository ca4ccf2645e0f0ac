"""Challenges for passkeys: each good for one browser, one purpose, five minutes and one right answer.

A challenge carries its own end and a keyed hash over what it is for, so asking for one writes nothing: a stranger who
asks a million times leaves no row behind. Only one that was answered well is remembered, until its end, and the row's
unique digest is what refuses the second answer. A sealed cookie alone could not: it can be sent back.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from branding.models import Brand
from portal.access.credentials import UsedChallenge
from portal.access.passkey_errors import ChallengeOver
from portal.keys.binding import bound
from portal.keys.service import keys

LIFE = timedelta(minutes=5)
"""WebAuthn Level 2 section 15.1 recommends 5 to 10 minutes where a person is verified."""
ADD, SIGN_IN = "add", "sign in"
_NONCE, _TIME, _MAC = 16, 8, 32


@dataclass(frozen=True)
class Purpose:
    """What a challenge is for. `browser` is the digest of the browser cookie, `person` None where nobody is known."""

    what: str
    brand: Brand
    browser: bytes = field(repr=False)
    person: UUID | None = None
    office: bool = False


def issue(purpose: Purpose, now: datetime) -> bytes:
    """A new challenge: 16 random bytes, its end in seconds since 1970 (u64), HMAC-SHA-256; 56 bytes."""
    told = secrets.token_bytes(_NONCE) + int((now + LIFE).timestamp()).to_bytes(_TIME, "big")
    return told + _mac(keys().secret("session"), told, purpose)


def check(challenge: bytes, purpose: Purpose, now: datetime) -> None:
    """ChallengeOver when it was not issued for this purpose, or its time has passed. Changes nothing."""
    told, mac = challenge[: _NONCE + _TIME], challenge[_NONCE + _TIME :]
    ours = any(hmac.compare_digest(mac, _mac(key, told, purpose)) for key in keys().secret_versions("session"))
    if not ours or len(challenge) != _NONCE + _TIME + _MAC or now >= _end(challenge):
        raise ChallengeOver


def use_up(challenge: bytes) -> None:
    """ChallengeOver when it has been answered before. Call in the transaction of what the answer brings about."""
    try:
        with transaction.atomic():
            UsedChallenge.objects.create(digest=hashlib.sha256(challenge).digest(), expires_at=_end(challenge))
    except IntegrityError:
        raise ChallengeOver from None


def _end(challenge: bytes) -> datetime:
    return datetime.fromtimestamp(int.from_bytes(challenge[_NONCE : _NONCE + _TIME], "big"), UTC)


def _mac(key: bytes, told: bytes, purpose: Purpose) -> bytes:
    """RFC 2104 over everything that it is bound to."""
    message = bound(
        "letterlock passkey challenge v1",
        told,
        purpose.what.encode(),
        str(purpose.brand.pk).encode(),
        purpose.browser,
        purpose.person.bytes if purpose.person else b"",
        b"office" if purpose.office else b"",
    )
    return hmac.new(key, message, hashlib.sha256).digest()
