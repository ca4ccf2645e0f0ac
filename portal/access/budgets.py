"""How often a passcode may be asked for and guessed: rows that no restart and no resend refills."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from branding.models import Brand
from portal.access.models import Asked, AskedSender, Failed, TrustedBrowser

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """So many times in any span of this length."""

    count: int
    span: timedelta


FAILURES_AT_A_MESSAGE = Limit(10, HOUR)
FAILURES_OF_AN_ADDRESS = Limit(30, DAY)
"""Over all messages: 30 guesses of 10**8 a day."""
MAILS_CLOSE_TOGETHER = Limit(1, MINUTE)
MAILS = (Limit(5, HOUR), Limit(12, DAY))
NEW_WAYS = Limit(20, DAY)
"""Passkeys that one person adds, apps they set up, people they let act. Each that is taken away is kept for ever."""
LONGEST_WAIT = HOUR
"""The page never names a later time than this: a wait of a day would tell which budget is spent (R6)."""


@dataclass(frozen=True)
class Purse:
    """Whose budget: an address, in a browser where it proved itself before (`trusted`), or in all others together."""

    lookup: bytes
    trusted: bytes = b""

    @classmethod
    def of(cls, lookup: bytes, trusted: bytes) -> Purse:
        """`trusted` is the digest of the browser's cookie; it counts only where this very address was proved there.

        So a stranger who spends the common budget does not lock out the person who reads here every week.
        """
        known = bool(trusted) and TrustedBrowser.objects.filter(token=trusted, address_lookup=lookup).exists()
        return cls(lookup, trusted if known else b"")


@contextmanager
def one_at_a_time(lookup: bytes) -> Iterator[None]:
    """A transaction in which nobody else counts for the same address: counting then adding leaves no gap to race in."""
    with transaction.atomic():
        # SQLite's transactions begin IMMEDIATE (settings), so one writer is alone already.
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                number = int.from_bytes(lookup[:8], "big", signed=True)
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
        yield


@dataclass(frozen=True)
class Origin:
    """Where a request comes from, by keyed hashes; empty where that is not known."""

    network: bytes = field(default=b"", repr=False)
    """Of an IPv4 /24 or an IPv6 /64."""
    around: bytes = field(default=b"", repr=False)
    """Of the /48 around the latter."""


NOWHERE = Origin()


def guessing_opens(purse: Purse, reader: UUID | None, now: datetime) -> datetime | None:
    """When a guess is allowed again; None when one is allowed now. `reader` is None on the neutral page."""
    failed = Failed.objects.filter(address_lookup=purse.lookup, trusted=purse.trusted)
    return _latest(
        opens(failed.filter(reader=reader), FAILURES_AT_A_MESSAGE, now),
        opens(failed, FAILURES_OF_AN_ADDRESS, now),
    )


def asking_opens(purse: Purse, now: datetime) -> datetime | None:
    """When a mail may be asked for again by the hour and the day; None when now."""
    return _latest(*(opens(_asked(purse), limit, now) for limit in MAILS))


def next_mail_at(purse: Purse, now: datetime) -> datetime | None:
    """When the minute since the last mail is over; None when it is."""
    # A clock that was set back leaves rows in the future. They count for the hour and the day, but must not keep anyone
    # from their mail until that time comes again.
    return opens(_asked(purse).filter(at__lte=now + MINUTE), MAILS_CLOSE_TOGETHER, now)


def count_mail(purse: Purse, now: datetime, brand: Brand | None = None, origin: Origin = NOWHERE) -> None:
    Asked.objects.create(
        address_lookup=purse.lookup,
        trusted=purse.trusted,
        at=now,
        brand=brand,
        network=origin.network,
        around=origin.around,
    )


def count_failure(purse: Purse, reader: UUID | None, now: datetime) -> None:
    Failed.objects.create(address_lookup=purse.lookup, trusted=purse.trusted, reader=reader, at=now)


def adding_opens(person: UUID, what: str, now: datetime) -> datetime | None:
    """When a person may add another passkey or app; None when now."""
    return opens(Failed.objects.filter(address_lookup=_adding(person, what)), NEW_WAYS, now)


def count_added(person: UUID, what: str, now: datetime) -> None:
    Failed.objects.create(address_lookup=_adding(person, what), at=now)


def _adding(person: UUID, what: str) -> bytes:
    return hashlib.sha256(f"{what} {person}".encode()).digest()


def trust(token: bytes, lookup: bytes, now: datetime, *, passkey: bool = False) -> bool:
    """Give a browser (digest of its cookie) budgets of its own for an address that was just proved in it.

    `passkey` notes that a passkey of the address is at hand there. True when the browser is new to the address.
    """
    seen = {"seen_at": now, **({"passkey_at": now} if passkey else {})}
    return TrustedBrowser.objects.update_or_create(token=token, address_lookup=lookup, defaults=seen)[1]


def opens(
    spent: QuerySet[Asked] | QuerySet[Failed] | QuerySet[AskedSender], limit: Limit, now: datetime
) -> datetime | None:
    """The oldest of the last `count` rows leaves the span at this moment; None when there are fewer in it."""
    recent = spent.filter(at__gt=now - limit.span).order_by("-at").values_list("at", flat=True)
    oldest: datetime | None = recent[limit.count - 1 : limit.count].first()
    return oldest + limit.span if oldest else None


def as_shown(until: datetime, now: datetime) -> datetime:
    """The moment a page names for `until`."""
    return min(until, now + LONGEST_WAIT)


def _asked(purse: Purse) -> QuerySet[Asked]:
    return Asked.objects.filter(address_lookup=purse.lookup, trusted=purse.trusted)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
