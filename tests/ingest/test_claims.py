"""What is due is found whatever state it got stuck in, and a claim reads the rows it takes, however many wait.

Run on SQLite here, and on PostgreSQL by tests/test_on_postgresql.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import leases
from portal.delivery import claiming
from portal.delivery.models import Outbound
from portal.delivery.tasks import MAIL
from portal.ingest import pipeline, states
from portal.ingest.models import Spooled

pytestmark = pytest.mark.django_db
S = Spooled.State
WAITING = 5000


def spooled(state: str, *, bulk: bool = False, leased: int | None = None, due: int = 0, unfinished: int = 0) -> UUID:
    """A row that is due in `due` seconds and leased for `leased` more."""
    now = timezone.now()
    until = None if leased is None else now + timedelta(seconds=leased)
    return Spooled.objects.create(
        id=uuid4(), state=state, bulk=bulk, door_key="d", size=1, recipients=1, received_at=now, unfinished=unfinished,
        due_at=now + timedelta(seconds=due), leased_until=until, leased_by="dead" if leased is not None else "",
    ).pk  # fmt: skip


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("state", states.WORKING)
def test_whatever_was_left_lying_is_taken_up_again(state: str, bulk: bool) -> None:
    stuck = {
        spooled(state, bulk=bulk),
        spooled(state, bulk=bulk, leased=-1),
        spooled(state, bulk=bulk, leased=-1, unfinished=3),
        spooled(state, bulk=bulk, due=-86400),
    }
    spooled(state, bulk=bulk, leased=60)
    spooled(state, bulk=bulk, due=60)
    spooled(state, bulk=not bulk)
    for other in (S.HELD, *states.FINAL):
        spooled(other, bulk=bulk)
    assert {row.pk for row in leases.claim(pipeline._due(state, bulk), limit=100)} == stuck
    assert leases.claim(pipeline._due(state, bulk), limit=100) == []


@pytest.fixture
def crowd() -> None:
    """Thousands that wait in every state and queue, as after a day on which the keys were away."""
    now = timezone.now()
    Spooled.objects.bulk_create(
        Spooled(
            id=uuid4(), state=S.values[number % len(S.values)], bulk=bool(number // 6 % 2), door_key="d", size=1,
            recipients=1, received_at=now, due_at=now - timedelta(seconds=number),
        )
        for number in range(WAITING)
    )  # fmt: skip
    states_of_mail = (Outbound.State.DUE, Outbound.State.SENT)
    Outbound.objects.bulk_create(
        Outbound(
            kind=MAIL[number % 4], state=states_of_mail[number // 4 % 2], bulk=bool(number // 8 % 2),
            address=b"x", due_at=now - timedelta(seconds=number),
        )
        for number in range(2 * WAITING)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ingest_spooled")
        cursor.execute("ANALYZE delivery_outbound")


def plan_of(due: QuerySet[Spooled] | QuerySet[Outbound]) -> str:
    """The plan of what `leases.claim` asks first."""
    free = due.filter(Q(leased_until=None) | Q(leased_until__lt=timezone.now())).order_by("due_at")
    return free.values_list("pk", flat=True)[:40].explain()


def plans_of(call: Callable[[], object]) -> list[tuple[str, str]]:
    """Each query of outgoing mail that a call asks, with its plan; what it changes is undone."""
    with CaptureQueriesContext(connection) as seen, suppress(Rollback), transaction.atomic():
        call()
        raise Rollback
    found = []
    with connection.cursor() as cursor:
        for sql in (query["sql"] for query in seen.captured_queries):
            if sql.startswith("SELECT") and 'FROM "delivery_outbound"' in sql:
                cursor.execute(f"EXPLAIN {'' if connection.vendor == 'postgresql' else 'QUERY PLAN '}{sql}")
                found.append((sql, "\n".join(str(row[-1]) for row in cursor.fetchall())))
    return found


class Rollback(Exception):
    pass


TABLE_READ = r"(?:^|\n)SCAN (?!k\b|(?:\d+ )?CONSTANT)"
"""As SQLite says it; `k` are the kinds of mail as a query names them."""


def walks(plan: str, index: str) -> bool:
    """Whether rows come from the index, in its order: nothing is sorted and no table is read from end to end."""
    return index in plan and not re.search(rf"\bSort\b|Seq Scan|TEMP B-TREE|{TABLE_READ}", plan)


def test_every_claim_walks_an_index(crowd: None) -> None:
    for bulk in (False, True):
        for state in states.WORKING:
            plan = plan_of(pipeline._due(state, bulk))
            assert walks(plan, "spooled_by_queue"), plan
        for kinds in (MAIL, (Outbound.Kind.PASSCODE,)):
            looks = plans_of(lambda: claiming.anything_due(kinds, bulk))  # noqa: B023 done at once
            pages = plans_of(lambda: [list(claiming._pages(kind, bulk, uuid4())) for kind in kinds])  # noqa: B023
            claims = plans_of(lambda: claiming.claim(kinds, 50, bulk=bulk))  # noqa: B023
            # Being sent are only as many as there are senders: those few may be sorted, by whichever index they come.
            due = [plan for sql, plan in [*looks, *pages] if "'due'" in sql]
            assert due and all(walks(plan, "outbound_by_lane") for plan in due), due
            assert not [
                one for one in [*looks, *claims] if re.search(rf"Seq Scan on delivery_outbound|{TABLE_READ}", one[1])
            ]
    # And a plan that does not would be noticed.
    everything = Spooled.objects.filter(state__in=states.WORKING, due_at__lte=timezone.now())
    assert not walks(plan_of(everything), "spooled_by_queue")
