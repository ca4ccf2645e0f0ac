"""Which mail is next: some of each domain in turn, never more senders at one domain than it is given.

Lanes are walked in the order of their ids from a place of chance, by an index: the cost of a look does not grow with
the mail that waits, and ten thousand mails for one domain hide no mail for another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal import leases
from portal.delivery import lanes
from portal.delivery.models import Lane, Outbound

S = Outbound.State
_TURN = 10
"""Mails of one lane in one turn."""
_PAGE, _MOST_PAGES = 100, 20
"""Rows read at once, and how often in one look."""


def anything_due(kinds: Collection[str], bulk: bool = False) -> bool:
    """Whether a look is worth its while."""
    return bool(_due(kinds, bulk)) or _left_behind(kinds, bulk).exists()


def _due(kinds: Collection[str], bulk: bool) -> list[str]:
    """Those of the kinds that any mail is due of, in their order: most have none, and each would be two statements."""
    if not kinds:
        return []
    # Kind by kind and in the order of the index. Asked for any row at all, PostgreSQL reads the whole table where it
    # believes that many are due: with a bulk run among a million rows 190 ms for every passcode, instead of 1.
    query = (
        f"SELECT k.column1 FROM (VALUES {', '.join(['(%s)'] * len(kinds))}) AS k WHERE "  # noqa: S608 # marks alone
        '(SELECT 1 FROM "delivery_outbound" WHERE bulk = %s AND state = %s AND kind = k.column1 AND due_at <= %s '
        "ORDER BY lane, due_at LIMIT 1) = 1"
    )
    now = Outbound._meta.get_field("due_at").get_db_prep_value(timezone.now(), connection)
    with connection.cursor() as cursor:
        cursor.execute(query, [*kinds, bulk, S.DUE, now])
        found = {kind for (kind,) in cursor.fetchall()}
    return [kind for kind in kinds if kind in found]


def claim(kinds: Collection[str], limit: int, *, bulk: bool = False) -> list[Outbound]:
    """Lease up to `limit` rows of these kinds, of bulk runs or all others; none of lanes that rest or are full.

    Each lane gives ten, and more only when the others have no more.

    "Full" is looked up, not locked: two workers that look in the same moment may pass the number by one.
    """
    if limit <= 0 or lanes.resting([lanes.RELAY]):
        return []
    rows = leases.claim(_left_behind(kinds, bulk), limit=limit)
    full = _full()
    wanted: list[UUID] = []
    besides: list[UUID] = []
    start = uuid4()
    for kind in _due(kinds, bulk):
        for turns in _pages(kind, bulk, start):
            resting = lanes.resting([lane for lane in turns if lane not in full])
            for lane, found in turns.items():
                if lane in resting:
                    # All of a resting lane's mail waits with it, so that the next look does not meet it again.
                    until = resting[lane].rests_until
                    _waiting([kind], bulk).filter(lane=lane, due_at__lt=until).update(due_at=until)
                elif lane not in full:
                    wanted += found[:_TURN]
                    besides += found[_TURN:]
            if len(rows) + len(wanted) >= limit:
                break
    wanted = [*wanted, *besides][: limit - len(rows)]
    return [*rows, *leases.claim(_waiting(kinds, bulk).filter(pk__in=wanted), limit=len(wanted))] if wanted else rows


def _pages(kind: str, bulk: bool, start: UUID) -> Iterator[dict[UUID, list[UUID]]]:
    """Due rows by lane, from `start` to the end of all lanes and then from their beginning."""
    left = _MOST_PAGES
    for begin, end in ((start, None), (None, start)):
        due = _free(_waiting([kind], bulk)).order_by("lane", "due_at").values_list("lane", "pk")
        if end is not None:
            due = due.filter(lane__lt=end)
        page = list(due.filter(lane__gte=begin)[:_PAGE] if begin is not None else due[:_PAGE])
        while page and left:
            turns: dict[UUID, list[UUID]] = {}
            for lane, row in page:
                turns.setdefault(lane, []).append(row)
            yield turns
            left -= 1
            # What the last lane has besides waits for its next turn, however much it is.
            page = list(due.filter(lane__gt=page[-1][0])[:_PAGE])


def _full() -> set[UUID]:
    """Lanes with as many senders at work as LETTERLOCK_DOMAIN_CONNECTIONS allows; one that failed gets one."""
    held = Outbound.objects.filter(leased_until__gt=timezone.now(), state__in=(S.DUE, S.SENDING))
    senders: dict[UUID, int] = {}
    for lane, _ in held.values_list("lane", "leased_by").order_by("lane").distinct():
        senders[lane] = senders.get(lane, 0) + 1
    shaky = set(Lane.objects.filter(pk__in=list(senders), failures__gt=0).values_list("pk", flat=True))
    most = settings.LETTERLOCK.domain_connections
    return {lane for lane, number in senders.items() if number >= (1 if lane in shaky else most)}


def _waiting(kinds: Collection[str], bulk: bool) -> QuerySet[Outbound]:
    # `IN`, for Django writes an equal boolean as `NOT bulk`, which SQLite looks up in no index.
    return Outbound.objects.filter(bulk__in=(bulk,), state=S.DUE, kind__in=kinds, due_at__lte=timezone.now())


def _free(due: QuerySet[Outbound]) -> QuerySet[Outbound]:
    return due.filter(Q(leased_until=None) | Q(leased_until__lt=timezone.now()))


def _left_behind(kinds: Collection[str], bulk: bool) -> QuerySet[Outbound]:
    # A row that is SENDING without a living lease was left by a sender that died.
    gone = Q(leased_until=None) | Q(leased_until__lt=timezone.now())
    return Outbound.objects.filter(gone, bulk__in=(bulk,), state=S.SENDING, kind__in=kinds)
