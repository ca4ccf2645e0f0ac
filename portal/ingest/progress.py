"""How far a bulk run is, and what became of each of its items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count

from portal.ingest.bulk import name_of
from portal.ingest.models import Item, Run, Spooled


@dataclass(frozen=True)
class Told:
    """One item: `id` and `state` of the mail that was made of it, or the reason why none was."""

    number: int
    name: str
    id: UUID | None
    state: str
    reason: str

    def __repr__(self) -> str:
        return f"Told({self.number})"


def states(run: Run) -> dict[str, int]:
    """How many of its mails are in which state of the pipeline."""
    mine = Spooled.objects.filter(pk__in=run.items.exclude(spooled=None).values("spooled"))
    return dict(mine.order_by().values_list("state").annotate(number=Count("pk")))


def page(run: Run, after: int, limit: int) -> list[Told]:
    """Items in order, those behind number `after`: the last page costs what the first does."""
    return _told(run.items.filter(number__gt=after).order_by("number")[:limit])


def refused(run: Run, limit: int, after: int = 0) -> list[Told]:
    """Items that were refused, in order."""
    return _told(run.items.filter(spooled=None, number__gt=after).order_by("number")[:limit])


def _told(items: Iterable[Item]) -> list[Told]:
    found = list(items)
    ids = [item.spooled for item in found if item.spooled]
    now = dict(Spooled.objects.filter(pk__in=ids).values_list("pk", "state"))
    return [
        Told(item.number, name_of(item), item.spooled, now.get(item.spooled, "") if item.spooled else "", item.reason)
        for item in found
    ]
