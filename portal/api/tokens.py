"""Bearer tokens: made once, shown once, known afterwards by their digest only (RFC 6750)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from portal.api.errors import NameTaken
from portal.api.models import Token
from portal.audit.record import record

PREFIX = "llk_"
"""So that scanners for leaked secrets can tell what one is."""
_RANDOM_BYTES = 32
_LONGEST = 128
_SEEN_EVERY = timedelta(minutes=1)


def create(name: str) -> str:
    """A new token, to be shown now and never again. Raises NameTaken."""
    token = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    try:
        with transaction.atomic():
            row = Token.objects.create(name=name, digest=_digest(token))
            record("admin.token_created", token=row.pk)
    except IntegrityError:
        raise NameTaken from None
    return token


def remove(name: str) -> bool:
    """End a token at once; whether there was one of that name."""
    with transaction.atomic():
        row = Token.objects.filter(name=name).first()
        if row is None:
            return False
        record("admin.token_removed", token=row.pk)
        row.delete()
    return True


def find(authorization: str) -> Token | None:
    """The token that an Authorization header carries, if it is one of ours."""
    scheme, _, presented = authorization.partition(" ")
    presented = presented.strip()
    if scheme.lower() != "bearer" or not presented.startswith(PREFIX) or len(presented) > _LONGEST:
        return None
    digest = _digest(presented)
    # The index compares digests, not tokens, so its timing tells nothing about a token; this comparison is for certain.
    found = Token.objects.filter(digest=digest).first()
    if found is None or not hmac.compare_digest(bytes(found.digest), digest):
        return None
    now = timezone.now()
    # At most one write a minute, however many mails a program hands in.
    stale = Q(used_at=None) | Q(used_at__lt=now - _SEEN_EVERY)
    if found.used_at is None or found.used_at < now - _SEEN_EVERY:
        Token.objects.filter(stale, pk=found.pk).update(used_at=now)
    return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
