"""The record a page at a time, newest first, by kind, message and time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from portal.audit.models import Entry

PAGE = 100
OUT_OF_ORDER = timedelta(minutes=10)
"""Ids follow the clock but for transactions that took long, and for clocks that differ."""


@dataclass(frozen=True)
class Asked:
    """What is looked for; nothing in it stands for everything."""

    kind: str = ""
    """A whole kind like `message.opened`, or what it begins with, like `message`."""
    message: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    """Only entries with a lower id: where the page before ended."""


@dataclass(frozen=True)
class Page:
    """Some entries. `older` is the id that the next page begins below, None on the last one."""

    entries: list[Entry]
    older: int | None


def find(asked: Asked) -> Page:
    """One page, newest first. Each page costs what it shows, however long the record is."""
    rows = list(_filtered(asked).order_by("-id")[: PAGE + 1])
    return Page(rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None)


def of_kinds(names: Iterable[str], asked: Asked) -> QuerySet[Entry]:
    """Entries of any of these kinds, unordered; the kind in `asked` counts for nothing."""
    return _filtered(replace(asked, kind="")).filter(kind__in=list(names))


def kinds() -> Iterator[str]:
    """The kinds that there are, in order: one step of an index each."""
    last = ""
    while found := Entry.objects.filter(kind__gt=last).order_by("kind").values_list("kind", flat=True).first():
        yield found
        last = found


def _filtered(asked: Asked) -> QuerySet[Entry]:
    found = Entry.objects.all()
    if asked.kind:
        named = [asked.kind] if "." in asked.kind else [kind for kind in kinds() if room_of(kind) == asked.kind]
        found = found.filter(kind__in=named)
    if asked.message:
        found = found.filter(message=asked.message)
    found = between(found, asked.since, asked.until)
    return found.filter(id__lt=asked.before) if asked.before is not None else found


def between(found: QuerySet[Entry], since: datetime | None, until: datetime | None) -> QuerySet[Entry]:
    """Those of a time; by id as well, for there is an index on it, and none on time."""
    if since:
        found = found.filter(at__gte=since, id__gte=_first_id(since - OUT_OF_ORDER))
    if until:
        found = found.filter(at__lt=until, id__lt=_first_id(until + OUT_OF_ORDER))
    return found


def room_of(kind: str) -> str:
    """What a kind begins with, like `message`."""
    return kind.partition(".")[0]


def _first_id(moment: datetime) -> int:
    """The lowest id at or after a moment, found by halving; one more than the highest when all are older."""
    low, high = 0, (Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        here = Entry.objects.filter(id__gte=middle).order_by("id").values_list("id", "at").first()
        if here is None or here[1] >= moment:
            high = middle
        else:
            low = here[0] + 1
    return low
