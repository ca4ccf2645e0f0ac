"""Bearer tokens: made once, shown once, known afterwards by their digest only (RFC 6750)."""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets
from collections.abc import Callable, Collection
from copy import copy
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from branding.models import Brand
from portal.access import grants
from portal.api import scopes
from portal.api.errors import (
    ApiError,
    NameTaken,
    ScopeMissing,
    TokenCannotBe,
    TokenRefused,
    TokenUnknown,
    TooManyRequests,
)
from portal.api.models import Token
from portal.api.problems import problem, refusal
from portal.api.scopes import Scope
from portal.audit.record import by_whom, record
from portal.ingest.errors import SpoolUnavailable

PREFIX = "llk_"
"""So that scanners for leaked secrets can tell what one is."""
LONGEST_NAME = 80
LIFETIME = timedelta(days=365)
"""Unless another day, or none, is asked for."""
OLD_COUNTS_FOR = timedelta(days=1)
"""After it was renewed, so that the program can change over."""
A_MINUTE = 1200
"""Requests of one token; bulk is one."""
_RANDOM_BYTES = 32
_LONGEST = 128
Guarded = Callable[..., HttpResponse]


def create(
    name: str,
    allowed: Collection[Scope] = scopes.BY_DEFAULT,
    *,
    expires_at: datetime | None = None,
    brand: Brand | None = None,
    by: UUID | None = None,
) -> str:
    """A new token, to be shown now and never again. `by` is the administrator's row, None on the command line.

    Without `expires_at` it does not expire; what asks people for one offers LIFETIME.

    Raises:
        NameTaken; TokenCannotBe: no name, no scope, a day that is over, or a brand with a scope that knows none.
    """
    name = name.strip()
    if wrong := faults(name, allowed, expires_at, brand):
        raise TokenCannotBe(" ".join(wrong.values()))
    token = _fresh()
    try:
        with transaction.atomic():
            row = Token.objects.create(
                name=name,
                digest=_digest(token),
                scopes=sorted(scope.value for scope in allowed),
                expires_at=expires_at,
                brand=brand,
                made_by=by,
            )
            grants.seal(row)
            row.save(update_fields=["seal"])
            days = None if expires_at is None else (expires_at - timezone.now()).days
            words = " ".join(row.scopes or [])
            where = brand.slug if brand else None
            record("admin.token_created", token=row.pk, scopes=words, days=days, brand=where, by=by_whom(by))
    except IntegrityError:
        raise NameTaken from None
    return token


def in_use() -> QuerySet[Token]:
    """Those that were not revoked, also when they have expired, by name."""
    return Token.objects.filter(revoked_at=None).select_related("brand").order_by("name")


def named(name: str) -> Token:
    """One of those. Raises TokenUnknown."""
    row = in_use().filter(name=name.strip()).first()
    if row is None:
        raise TokenUnknown
    return row


def renew(row: Token, *, at_once: bool = False, by: UUID | None = None) -> str:
    """Another token in the place of one, to be shown now and never again; the old one counts for a day, unless
    `at_once`. Name, scopes and the day it expires stay. TokenUnknown when it was revoked meanwhile.
    """
    token = _fresh()
    with transaction.atomic():
        held = _locked(row)
        if not grants.fits(held):  # it is revoked and made anew: what somebody wrote to it is not sealed
            raise TokenUnknown
        before = copy(held)
        held.old_digest, held.old_until = (None, None) if at_once else (held.digest, timezone.now() + OLD_COUNTS_FOR)
        held.digest = _digest(token)
        grants.seal(held)
        held.save(update_fields=["digest", "old_digest", "old_until", "seal"])
        record("admin.token_renewed", token=held.pk, at_once=at_once, by=by_whom(by))
        grants.end(before)
    return token


def revoke(row: Token, *, by: UUID | None = None) -> None:
    """End a token at once; its name is free again. TokenUnknown when it was revoked before."""
    with transaction.atomic():
        held = _locked(row)
        before = copy(held)
        held.revoked_at = timezone.now()
        held.digest, held.old_digest, held.old_until = secrets.token_bytes(32), None, None
        held.save(update_fields=["revoked_at", "digest", "old_digest", "old_until"])
        record("admin.token_removed", token=held.pk, by=by_whom(by))
        grants.end(before)


def find(authorization: str) -> Token | None:
    """The token that an Authorization header carries, if it is one of ours that counts."""
    scheme, _, presented = authorization.partition(" ")
    presented = presented.strip()
    if scheme.lower() != "bearer" or not presented.startswith(PREFIX) or len(presented) > _LONGEST:
        return None
    digest, now = _digest(presented), timezone.now()
    # The index compares digests, not tokens, so its timing tells nothing about a token; this comparison is for certain.
    found = Token.objects.select_related("brand").filter(Q(digest=digest) | Q(old_digest=digest)).first()
    if found is None or found.revoked_at is not None or (found.expires_at is not None and found.expires_at <= now):
        return None
    if not grants.is_whole(found):
        return None
    if hmac.compare_digest(bytes(found.digest), digest):
        return found
    still = found.old_until is not None and found.old_until > now
    return found if still and hmac.compare_digest(bytes(found.old_digest or b""), digest) else None


def authorise(request: HttpRequest, scope: Scope) -> Token:
    """The token of a request that may do this. Raises TokenRefused, TooManyRequests, ScopeMissing."""
    given = request.headers.get("Authorization", "")
    token = find(given)
    if token is None:
        raise TokenRefused(given=bool(given))
    _count(token)
    if scope not in scopes.of(token.scopes):
        raise ScopeMissing(scope.value)
    return token


def required(scope: Scope) -> Callable[[Guarded], Guarded]:
    """A view that is called as `view(request, token, …)`, and only with a token that may; what it refuses as a
    portal.api.errors.ApiError becomes a problem document (RFC 9457)."""

    def decorate(view: Guarded) -> Guarded:
        # A token is not sent by a browser on its own, so no other site can make one speak here.
        @csrf_exempt
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, authorise(request, scope), *args, **kwargs)
            except ApiError as refused:
                return refusal(refused)
            except DatabaseFailure:
                away = SpoolUnavailable("the database does not answer")
                return problem(away.status, away.title, str(away))

        return guarded

    return decorate


def _count(token: Token) -> None:
    """Count a request in its minute, with one statement as a rule. Raises TooManyRequests."""
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    row = Token.objects.filter(pk=token.pk)
    for _ in range(2):  # who was overtaken at the turn of the minute is the second of the new one
        if row.filter(used_at=minute, uses__lt=A_MINUTE).update(uses=F("uses") + 1):
            return
        if row.filter(Q(used_at=None) | ~Q(used_at=minute)).update(used_at=minute, uses=1):
            return
    raise TooManyRequests(A_MINUTE, 60 - now.second)


def faults(name: str, allowed: Collection[Scope], expires_at: datetime | None, brand: Brand | None) -> dict[str, str]:
    """All that keeps a token from being like this: a sentence each, by `name`, `scope`, `brand` and `life`."""
    found: dict[str, str] = {}
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        found["name"] = f"Give the token a name of 1 to {LONGEST_NAME} characters."
    if not allowed:
        found["scope"] = f"Name at least one scope: {', '.join(Scope.values)}."
    if brand is not None and (wide := sorted(scope.value for scope in set(allowed) - OF_ONE_BRAND)):
        found["brand"] = f"A token of one brand cannot have the scope {', '.join(wide)}: that knows no brands."
    if expires_at is not None and expires_at <= timezone.now():
        found["life"] = "The token would have expired already; name a later day."
    return found


OF_ONE_BRAND = frozenset(
    (Scope.MESSAGES_SEND, Scope.MESSAGES_READ, Scope.MESSAGES_ACT, Scope.RULES_TEST, Scope.BRANDS_READ)
)
"""What a token that is for one brand may have: the record, keys, webhooks and people belong to all."""


def _locked(row: Token) -> Token:
    held = Token.objects.select_for_update().filter(pk=row.pk, revoked_at=None).first()
    if held is None:
        raise TokenUnknown
    return held


def _fresh() -> str:
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
