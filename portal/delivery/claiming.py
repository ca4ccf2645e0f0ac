"""Which mail is next: some of each domain in turn, never more senders at one domain than it is given.

Lanes are walked in the order of their ids from a place of chance, by an index: the cost of a look does not grow with
the mail that waits, and ten thousand mails for one domain hide no mail for another.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal import leases
from portal.delivery import lanes
from portal.delivery.models import Lane, Outbound

S = Outbound.State
_TURN = 10
"""Mails of one lane in one turn."""
_MOST_LANES = 200
"""Lanes looked at in one turn."""


def anything_due(kinds: Collection[str]) -> bool:
    return _waiting(kinds).exists() or _left_behind(kinds).exists()


def claim(kinds: Collection[str], limit: int) -> list[Outbound]:
    """Lease up to `limit` rows of these kinds, at most ten of a lane; none of lanes that rest or are full.

    "Full" is looked up, not locked: two workers that look in the same moment may pass the number by one.
    """
    if limit <= 0 or lanes.resting([lanes.RELAY]):
        return []
    rows = leases.claim(_left_behind(kinds), limit=limit)
    closed = _full()
    wanted: list[UUID] = []
    start = uuid4()
    for kind in kinds:
        for lane in _lanes_from(kind, start):
            if len(rows) + len(wanted) >= limit:
                break
            if lane in closed:
                continue
            if resting := lanes.resting([lane]).get(lane):
                # All of a resting lane's mail waits with it, so that the next look does not meet it again.
                until = resting.rests_until
                _of(kind, lane).filter(due_at__lt=until).update(due_at=until)
                continue
            room = min(_TURN, limit - len(rows) - len(wanted))
            wanted += _free(_of(kind, lane)).order_by("due_at").values_list("pk", flat=True)[:room]
    if wanted:
        rows += leases.claim(_waiting(kinds).filter(pk__in=wanted), limit=limit - len(rows))
    return rows


def _lanes_from(kind: str, start: UUID) -> Sequence[UUID]:
    """Lanes with due mail, from `start` to the end and then from the beginning, each once."""
    found: list[UUID] = []
    for begin, end in ((start, None), (None, start)):
        at, first = begin, begin is not None
        while len(found) < _MOST_LANES:
            due = _free(_waiting([kind]))
            if at is not None:
                due = due.filter(lane__gte=at) if first else due.filter(lane__gt=at)
            if end is not None:
                due = due.filter(lane__lt=end)
            lane = due.order_by("lane").values_list("lane", flat=True).first()
            if lane is None:
                break
            found.append(lane)
            at, first = lane, False
    return found


def _full() -> set[UUID]:
    """Lanes with as many senders at work as LETTERLOCK_DOMAIN_CONNECTIONS allows; one that failed gets one."""
    held = Outbound.objects.filter(leased_until__gt=timezone.now(), state__in=(S.DUE, S.SENDING))
    senders: dict[UUID, int] = {}
    for lane, _ in held.values_list("lane", "leased_by").order_by("lane").distinct():
        senders[lane] = senders.get(lane, 0) + 1
    shaky = set(Lane.objects.filter(pk__in=list(senders), failures__gt=0).values_list("pk", flat=True))
    most = settings.LETTERLOCK.domain_connections
    return {lane for lane, number in senders.items() if number >= (1 if lane in shaky else most)}


def _waiting(kinds: Collection[str]) -> QuerySet[Outbound]:
    return Outbound.objects.filter(state=S.DUE, kind__in=kinds, due_at__lte=timezone.now())


def _of(kind: str, lane: UUID) -> QuerySet[Outbound]:
    return _waiting([kind]).filter(lane=lane)


def _free(due: QuerySet[Outbound]) -> QuerySet[Outbound]:
    return due.filter(Q(leased_until=None) | Q(leased_until__lt=timezone.now()))


def _left_behind(kinds: Collection[str]) -> QuerySet[Outbound]:
    # A row that is SENDING without a living lease was left by a sender that died.
    gone = Q(leased_until=None) | Q(leased_until__lt=timezone.now())
    return Outbound.objects.filter(gone, state=S.SENDING, kind__in=kinds)
