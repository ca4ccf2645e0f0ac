"""Domains that messages go to and come from, by day: enough to name the ones that many people share, and no other.

A domain may be one person's. So its name is sealed, and it is told only once five addresses of it are counted in the
time that is asked about; the rest is one number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from portal.audit.models import Entry
from portal.keys.service import keys
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress
from portal.operations.models import DomainDay
from portal.vault.models import Message, Reader
from portal.vault.readers import address_of

PEOPLE = 5
"""Addresses that a domain needs in a period to be named."""
KEPT_DAYS = 400
TO, FROM = "to", "from"
_MARK = 8
_LABEL = "report-domain"
Key = tuple[date, str, str, UUID]
"""Day, side, brand and domain of a row."""


@dataclass(frozen=True)
class Named:
    """A domain with its number of messages; `domain` is "" for all that are not named."""

    domain: str
    number: int


@dataclass
class _SeenDomain:
    domain: str = field(repr=False)
    number: int = 0
    people: set[bytes] = field(default_factory=set, repr=False)


def note(entries: Sequence[Entry]) -> None:
    """Count the domains of what was sealed, in the caller's transaction and under the lock of who counts."""
    _keep(_seen(entries, {}))


def make_good(batches: Iterable[Sequence[Entry]]) -> None:
    """Count the whole record's anew, and add what is missing, in the caller's transaction and under the same lock.

    Nothing is taken away: the record knows no domain, only readers do, and those of messages that are gone are no more.
    """
    first = timezone.localdate() - timedelta(days=KEPT_DAYS)
    seen: dict[Key, _SeenDomain] = {}
    for entries in batches:
        _seen([entry for entry in entries if timezone.localdate(entry.at) >= first], seen)
    _keep(seen, missing=True)


def _seen(entries: Sequence[Entry], seen: dict[Key, _SeenDomain]) -> dict[Key, _SeenDomain]:
    sealed = {entry.message: timezone.localdate(entry.at) for entry in entries if entry.kind == "message.sealed"}
    rows = Reader.objects.filter(
        message__in=[pk for pk in sealed if pk], message__direction=Message.Direction.OUT
    ).select_related("message__brand")
    for row in rows.only("id", "role", "address", "address_lookup", "message__brand__slug"):
        domain = _domain(row)
        if domain:
            side = FROM if row.role == Reader.Role.AUTHOR else TO
            key = (sealed[row.message_id], side, row.message.brand.slug, _id(domain))
            one = seen.setdefault(key, _SeenDomain(domain))
            one.number += 1
            one.people.add(bytes(row.address_lookup)[:_MARK])
    return seen


def top(side: str, since: date, until: date, brand: str = "", most: int = 5) -> list[Named]:
    """The `most` domains with the most messages that may be named, and behind them the rest as one."""
    found = DomainDay.objects.filter(side=side, day__gte=since, day__lte=until)
    if brand:
        found = found.filter(brand=brand)
    sums = list(found.order_by().values_list("domain").annotate(all=Sum("number")).order_by("-all", "domain"))
    named: list[Named] = []
    for start in range(0, len(sums), 50):
        chunk = sums[start : start + 50]
        names = _names(found, [domain for domain, _ in chunk])
        named += [Named(names[domain], number) for domain, number in chunk if domain in names]
        if len(named) >= most or start >= 200:
            break
    named = named[:most]
    rest = sum(number for _, number in sums) - sum(one.number for one in named)
    return named + ([Named("", rest)] if rest else [])


def shared(side: str, since: date, until: date, domains: Sequence[str]) -> set[str]:
    """Those of these domains that may be named for this period."""
    found = DomainDay.objects.filter(side=side, day__gte=since, day__lte=until)
    return set(_names(found, [_id(domain) for domain in set(domains)]).values())


def tidy(today: date) -> int:
    """Forget what is older than KEPT_DAYS."""
    return DomainDay.objects.filter(day__lt=today - timedelta(days=KEPT_DAYS)).delete()[0]


def _names(found: Any, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Names of those with enough people, and of our own. A day keeps five at most: so the union over days reaches five
    exactly when there are five, and is no list of who is written to."""
    people: dict[UUID, set[bytes]] = {}
    names: dict[UUID, bytes] = {}
    for domain, name, marks in found.filter(domain__in=ids).values_list("domain", "name", "people"):
        people.setdefault(domain, set()).update(_marks(bytes(marks)))
        names[domain] = bytes(name)
    opened = {domain: keys().open_field(_LABEL, domain, name).decode() for domain, name in names.items()}
    inside = settings.LETTERLOCK.inside_domains
    return {domain: name for domain, name in opened.items() if len(people[domain]) >= PEOPLE or name in inside}


def _keep(seen: dict[Key, _SeenDomain], *, missing: bool = False) -> None:
    """Add what was seen to the rows; with `missing` only what they lack of it."""
    rows = {
        (row.day, row.side, row.brand, row.domain): row
        for row in DomainDay.objects.filter(day__in={key[0] for key in seen}, domain__in={key[3] for key in seen})
    }
    made, changed = [], []
    for key, one in seen.items():
        row = rows.get(key)
        if row is None:
            day, side, brand, domain = key
            name = keys().seal_field(_LABEL, domain, one.domain.encode())
            row = DomainDay(day=day, side=side, brand=brand, domain=domain, name=name)
            made.append(row)
        else:
            changed.append(row)
        row.number = max(row.number, one.number) if missing else row.number + one.number
        row.people = b"".join(sorted(_marks(bytes(row.people)) | one.people)[:PEOPLE])
    DomainDay.objects.bulk_create(made)
    DomainDay.objects.bulk_update(changed, ["number", "people"], batch_size=200)


def _marks(people: bytes) -> set[bytes]:
    return {people[start : start + _MARK] for start in range(0, len(people), _MARK)}


def _domain(row: Reader) -> str:
    """ "" when its address has been erased, or is none."""
    try:
        return domain_of(address_of(row)) if row.address else ""
    except BadAddress:
        return ""


def _id(domain: str) -> UUID:
    return UUID(bytes=keys().lookup(_LABEL, domain)[:16])
