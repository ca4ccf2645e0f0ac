"""Writing to the record and reading it back, message by message."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from portal import observing
from portal.audit import leaves
from portal.audit.models import Entry
from portal.inserting import insert

Fact = str | int | bool | None
COMMAND_LINE = "command line"


def by_whom(row: uuid.UUID | None) -> str:
    """The fact `by`: the row of whoever did it, or that it was a command."""
    return str(row) if row else COMMAND_LINE


def record(kind: str, *, message: uuid.UUID | None = None, reader: uuid.UUID | None = None, **facts: Fact) -> Entry:
    """Add one entry, in the caller's transaction. `facts` are content-free: numbers, states, fixed reasons."""
    observing.event(kind)
    return Entry.objects.create(at=timezone.now(), kind=kind, message=message, reader=reader, facts=facts)


def record_hourly(
    kind: str, *, message: uuid.UUID | None = None, reader: uuid.UUID | None = None, **facts: Fact
) -> None:
    """As `record`, but not again within an hour of the same: for what a stranger can bring about at will, who must not
    fill the record."""
    same = Entry.objects.filter(kind=kind, message=message, reader=reader, at__gt=timezone.now() - timedelta(hours=1))
    if not same.filter(**{f"facts__{name}": fact for name, fact in facts.items()}).exists():
        record(kind, message=message, reader=reader, **facts)


def record_all(kind: str, about: Iterable[tuple[uuid.UUID, uuid.UUID | None]], **facts: Fact) -> None:
    """Add the same entry about many messages or their readers, in the caller's transaction."""
    now = timezone.now()
    made = insert(Entry(at=now, kind=kind, message=message, reader=reader, facts=facts) for message, reader in about)
    observing.event(kind, len(made))


@dataclass(frozen=True)
class Event:
    """One entry to be added."""

    kind: str
    message: uuid.UUID | None = None
    reader: uuid.UUID | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)


def record_each(events: Iterable[Event]) -> None:
    """Add several entries with one statement, in order, in the caller's transaction."""
    now = timezone.now()
    made = insert(
        Entry(at=now, kind=event.kind, message=event.message, reader=event.reader, facts=dict(event.facts))
        for event in events
    )
    for kind, number in Counter(entry.kind for entry in made).items():
        observing.event(kind, number)


def plain(entry: Entry) -> dict[str, Any]:
    """All that an entry says, as JSON has it."""
    return {
        "id": entry.pk,
        "at": leaves.moment(entry.at),
        "kind": entry.kind,
        "message": entry.message and str(entry.message),
        "reader": entry.reader and str(entry.reader),
        "facts": entry.facts,
    }


def timeline(message: uuid.UUID) -> QuerySet[Entry]:
    """All entries of a message, oldest first."""
    return Entry.objects.filter(message=message).order_by("id")
