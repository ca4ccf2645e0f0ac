"""The record counted by day: once an entry, in the order of the record's tree, so that a page need count nothing.

An entry that was committed late is a later leaf of the tree (portal.audit.sequencing): the cursor misses none and
counts none twice. What is counted stays when the rows it came from are gone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from portal.audit import sequencing
from portal.audit.models import Entry, Leaf
from portal.audit.record import record
from portal.operations import domains
from portal.operations.counting import Key, counted
from portal.operations.models import Tallied, Tally

BATCH = 500
"""Entries a transaction: whoever records meanwhile waits for it on SQLite."""
SECONDS = 5.0
LATE = timedelta(minutes=10)
"""A page says since when there are no figures once they are older than this."""


@dataclass(frozen=True)
class Difference:
    """A count that is not what the record says."""

    key: Key
    is_: int
    should: int


def run(now: datetime, *, seconds: float = SECONDS, batch: int = BATCH) -> int:
    """Count what was recorded since the last time, for some time; how many entries. Raises KeysError, and is then where
    it was."""
    end, done = time.monotonic() + seconds, 0
    while True:
        number = _step(now, batch)
        done += number
        if number < batch or time.monotonic() > end:
            return done


def counted_until() -> datetime | None:
    """Everything that was recorded before then is counted; None when nothing ever was."""
    return Tallied.objects.filter(pk=1).values_list("at", flat=True).first()


def is_late(until: datetime | None, now: datetime) -> bool:
    return until is None or now - until > LATE


def differences() -> list[Difference]:
    """Where the counts are not what a count of the whole record gives, as far as it is counted."""
    should, _ = _whole()
    is_ = _stored()
    return [
        Difference(key, is_[key], should[key]) for key in sorted(is_.keys() | should.keys()) if is_[key] != should[key]
    ]


def rebuild() -> int:
    """Make all counts anew from the record; how many entries that were. KeysError, and nothing has changed then.

    Of domains only what is missing is made good, for the record does not know them (portal.operations.domains).
    """
    with transaction.atomic():
        _cursor()
        should, entries = _whole()
        Tally.objects.all().delete()
        Tally.objects.bulk_create(_row(key, number) for key, number in should.items() if number)
        domains.make_good(_batches(_counted()))
        record("reports.rebuilt", entries=entries)
    return entries


def _step(now: datetime, batch: int) -> int:
    if not Leaf.objects.filter(index__gte=_counted()).exists():
        return _nothing_new(now)
    with transaction.atomic():
        cursor = _cursor()
        entries, leaf = _batch(cursor.leaf, batch)
        _add(counted(entries))
        domains.note(entries)
        number, cursor.leaf = leaf - cursor.leaf, leaf
        if number < batch:
            cursor.at = _complete_until(now)
        cursor.save()
    return number


def _nothing_new(now: datetime) -> int:
    Tallied.objects.update_or_create(pk=1, defaults={"at": _complete_until(now)})
    return 0


def _complete_until(now: datetime) -> datetime:
    """What is recorded and no leaf yet is not counted."""
    return now - (sequencing.behind(now) or timedelta())


def _counted() -> int:
    return Tallied.objects.filter(pk=1).values_list("leaf", flat=True).first() or 0


def _cursor() -> Tallied:
    Tallied.objects.get_or_create(pk=1)
    return Tallied.objects.select_for_update().get(pk=1)


def _batch(first: int, most: int, before: int | None = None) -> tuple[Sequence[Entry], int]:
    """The entries of up to `most` leaves from `first` on, and the leaf behind them."""
    found = Leaf.objects.filter(index__gte=first)
    if before is not None:
        found = found.filter(index__lt=before)
    leaves = list(found.order_by("index").values_list("index", "entry")[:most])
    entries = Entry.objects.in_bulk([entry for _, entry in leaves])
    return [entries[entry] for _, entry in leaves if entry in entries], leaves[-1][0] + 1 if leaves else first


def _whole() -> tuple[Counter[Key], int]:
    """All that is behind the cursor, counted; and how many entries it was."""
    total: Counter[Key] = Counter()
    number = 0
    for entries in _batches(_counted()):
        total.update(counted(entries))
        number += len(entries)
    return total, number


def _batches(before: int) -> Iterator[Sequence[Entry]]:
    first = 0
    while first < before:
        entries, behind = _batch(first, BATCH, before)
        if behind == first:
            return
        yield entries
        first = behind


def _stored() -> Counter[Key]:
    rows = Tally.objects.values_list("day", "kind", "brand", "word", "number")
    return Counter({Key(day, kind, brand, word): number for day, kind, brand, word, number in rows})


def _add(counts: Counter[Key]) -> None:
    """To the rows that there are, which nobody else changes while the cursor is locked."""
    days = {key.day for key in counts}
    rows = {Key(row.day, row.kind, row.brand, row.word): row for row in Tally.objects.filter(day__in=days)}
    changed = []
    for key in counts.keys() & rows.keys():
        rows[key].number += counts[key]
        changed.append(rows[key])
    Tally.objects.bulk_update(changed, ["number"], batch_size=200)
    Tally.objects.bulk_create(_row(key, number) for key, number in counts.items() if key not in rows)


def _row(key: Key, number: int) -> Tally:
    return Tally(day=key.day, kind=key.kind, brand=key.brand, word=key.word, number=number)
