"""How things stand: right figures, and each query ends in an index however large the tables are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.keys.service import keys
from portal.operations import standing

pytestmark = pytest.mark.django_db


def spooled(state: str, age: int, due: int | None = None, *, bulk: bool = False) -> None:
    now = timezone.now()
    Spooled.objects.create(
        state=state, bulk=bulk, door_key="k", size=1, recipients=1,
        received_at=now - timedelta(seconds=age), due_at=now - timedelta(seconds=age if due is None else due),
    )  # fmt: skip


def test_mails_are_counted_by_state_up_to_a_bound() -> None:
    for _ in range(3):
        spooled("received", 5)
    spooled("done", 5)
    assert standing.number(Spooled.objects.filter(state="received")) == 3
    assert standing.number(Spooled.objects.filter(state="received"), 2) == 2


def test_lateness_and_age_of_each_queue() -> None:
    now = timezone.now()
    assert standing.lateness(now) == dict.fromkeys(("passcode", "notice", "seal", "bulk"), (0.0, 0.0))
    spooled("received", 100, due=-50)  # put off: old, and not due yet
    spooled("sealed", 40)
    spooled("held", 9999)
    row = Outbound.objects.create(kind="relay", address=b"x", due_at=now - timedelta(seconds=7))
    Outbound.objects.filter(pk=row.pk).update(made_at=now - timedelta(seconds=70))
    found = standing.lateness(now)
    assert found["seal"] == pytest.approx((40, 100), abs=10)
    assert found["notice"] == pytest.approx((7, 70), abs=10)
    assert found["passcode"] == found["bulk"] == (0.0, 0.0)


def test_a_bulk_run_that_waits_makes_no_other_queue_late() -> None:
    spooled("received", 400, bulk=True)
    Outbound.objects.create(kind="notice", bulk=True, address=b"x", due_at=timezone.now() - timedelta(seconds=500))
    found = standing.lateness(timezone.now())
    assert found["bulk"] == pytest.approx((500, 400), abs=10)
    assert found["seal"] == found["notice"] == (0.0, 0.0)


def test_every_query_is_a_search_in_an_index_that_sorts_nothing() -> None:
    with CaptureQueriesContext(connection) as seen:
        list(standing._mails())
        list(standing._queues())
    asked = [query["sql"] for query in seen.captured_queries if query["sql"].lstrip().upper().startswith("SELECT")]
    assert len(asked) > 10
    counts = 0
    for sql in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = [row[3] for row in cursor.fetchall()]
        assert "LIMIT" in sql
        steps = [step for step in plan if step.startswith(("SCAN", "SEARCH", "USE TEMP"))]
        assert any("USING" in step and "INDEX" in step for step in steps), (sql, plan)
        assert not any(step.startswith("USE TEMP") for step in steps), (sql, plan)
        if "COUNT(" in sql:
            counts += 1
            assert any("USING COVERING INDEX" in step for step in steps), (sql, plan)
        assert not any(step.startswith("SCAN") and "subquery" not in step for step in steps), (sql, plan)
    assert counts > 10


def test_keys_ahead_are_counted_without_the_root_key() -> None:
    now = timezone.now()
    keys().prepare(now.date(), {settings.LETTERLOCK.open_days, None})  # the day may have begun since the tests did
    assert standing.keys_ahead(now) == 8
    assert standing.keys_ahead(now + timedelta(days=6)) == 2
    assert standing.keys_ahead(now + timedelta(days=400)) == -1
