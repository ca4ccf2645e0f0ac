"""How long rows are kept that no message needs any more, and their deletion in small batches.

What is deleted here holds no content: that died with its keys. A message under a legal hold, or one that still lives,
loses nothing. The record of what happened (portal.audit) is not touched: it proves itself only whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from portal.audit.record import record
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.lifecycle.actors import COMMAND, Actor
from portal.lifecycle.models import Kept, Run
from portal.operations.errors import BadRetention
from portal.vault.models import Message

BATCH = 500
MOST_DAYS = 36_500
SECONDS = 20.0
"""Of one turn, so that nothing else waits long."""
_OVER = (Outbound.State.SENT, Outbound.State.FAILED, Outbound.State.DROPPED)


@dataclass(frozen=True)
class Kind:
    """One kind of rows: `old` finds those from before a moment, oldest first by an index."""

    name: str
    meaning: str
    default: int
    least: Callable[[], int]
    old: Callable[[datetime], QuerySet[Any]]


@dataclass(frozen=True)
class Line:
    """How a kind stands: its days (0 for ever), what they would be unchanged, and how many rows are due, at most."""

    name: str
    meaning: str
    days: int
    default: int
    least: int
    due: int


def _living(of: str) -> Exists:
    """A message that is not destroyed, or is held, keeps all that is about it."""
    return Exists(Message.objects.filter(Q(destroyed_at=None) | Q(held_at__isnull=False), pk=OuterRef(of)))


def _tombstones(before: datetime) -> QuerySet[Any]:
    return Message.objects.filter(destroyed_at__lt=before, held_at=None).order_by("destroyed_at")


def _mails(before: datetime) -> QuerySet[Any]:
    return Outbound.objects.filter(
        ~_living("message"), state__in=_OVER, kind__in=Outbound.Kind.values, due_at__lt=before
    ).order_by("due_at")


def _arrivals(before: datetime) -> QuerySet[Any]:
    over = (Spooled.State.DONE, Spooled.State.REFUSED, Spooled.State.DROPPED)
    return Spooled.objects.filter(~_living("pk"), state__in=over, due_at__lt=before).order_by("due_at")


def _runs(before: datetime) -> QuerySet[Any]:
    return Run.objects.filter(state__in=(Run.State.DONE, Run.State.UNDONE), asked_at__lt=before).order_by("asked_at")


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "tombstones",
            "what is left of destroyed messages: that they were there, for whom, and why they went",
            365,
            # An older copy of the keyring that is put back is told by these rows what has died since.
            lambda: int(settings.LETTERLOCK.restore_days),
            _tombstones,
        ),
        Kind(
            "mails", "that a mail left, when and with which answer, after its message is gone", 90, lambda: 14, _mails
        ),
        Kind("arrivals", "that a mail came in, once it is passed on, or its message gone", 90, lambda: 7, _arrivals),
        Kind("runs", "actions over many messages, with the addresses they were about", 90, lambda: 1, _runs),
    )
}


def days_of(name: str) -> int:
    """For how many days a kind is kept; 0 for ever."""
    kind = KINDS[name]
    found = Kept.objects.filter(pk=name).values_list("days", flat=True).first()
    return kind.default if found is None else found


def set_days(name: str, days: int, *, by: Actor = COMMAND) -> None:
    """Keep a kind for so many days, or for ever (0). Raises BadRetention."""
    kind = KINDS.get(name)
    if kind is None:
        raise BadRetention(f"“{name}” is not kept by days. These are: {', '.join(KINDS)}.")
    least = kind.least()
    if days != 0 and not least <= days <= MOST_DAYS:
        raise BadRetention(f"{name} are kept from {least} to {MOST_DAYS} days, or for ever (0).")
    with transaction.atomic():
        was = days_of(name)
        Kept.objects.update_or_create(pk=name, defaults={"days": days, "changed_at": timezone.now()})
        record("retention.changed", what=name, days=days, was=was, **by.facts())


def status(now: datetime, *, most: int = 100_000) -> list[Line]:
    """Each kind, with how many rows of it are due; no more than `most` are counted."""
    return [
        Line(kind.name, kind.meaning, days_of(kind.name), kind.default, kind.least(), _due(kind, now, most))
        for kind in KINDS.values()
    ]


def run(now: datetime, *, seconds: float = SECONDS) -> dict[str, int]:
    """Delete what is due, in small batches and for some time; how many rows of each kind. Safe to interrupt."""
    end = time.monotonic() + seconds
    done = {}
    for kind in KINDS.values():
        done[kind.name] = _delete(kind, now, end)
    if any(done.values()):
        facts: dict[str, Any] = dict(done)
        record("retention.applied", **facts)
    return done


def _delete(kind: Kind, now: datetime, end: float) -> int:
    days, gone = days_of(kind.name), 0
    while days and time.monotonic() < end:
        old = kind.old(now - timedelta(days=days))
        keys: list[UUID] = list(old.values_list("pk", flat=True)[:BATCH])
        if not keys:
            break
        with transaction.atomic():
            # Asked again: whoever put a hold on it meanwhile comes first.
            still = list(old.filter(pk__in=keys).order_by().select_for_update().values_list("pk", flat=True))
            old.model._default_manager.filter(pk__in=still).delete()
        gone += len(still)
        if not still:
            break
    return gone


def _due(kind: Kind, now: datetime, most: int) -> int:
    days = days_of(kind.name)
    return kind.old(now - timedelta(days=days))[:most].count() if days else 0
