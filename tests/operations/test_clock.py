"""A clock that is set back: the scheduler notices, and what waits for a moment that has become far away is due."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.utils import timezone

from portal.celery import CLOCK_SET_BACK, app
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.operations import clock, steady

HOUR = timedelta(hours=1)


class Clock:
    """The time of day as the scheduler sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.off = 0.0
        seen = SimpleNamespace(time=lambda: time.time() + self.off, monotonic=time.monotonic)
        monkeypatch.setattr(steady, "time", seen)


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> steady.Scheduler:
    made = steady.Scheduler(app, lazy=True)
    made.setup_schedule()
    monkeypatch.setattr(made, "apply_async", lambda *_, **__: SimpleNamespace(id=""))
    return made


def told(scheduler: steady.Scheduler, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that are asked for past the schedule."""
    asked: list[str] = []
    monkeypatch.setattr(app, "send_task", lambda name, **_: asked.append(name))
    return asked


def test_a_clock_set_back_is_noticed_and_the_schedule_begins_anew(
    scheduler: steady.Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, asked = Clock(monkeypatch), told(scheduler, monkeypatch)
    steady_one = steady.Scheduler(app, lazy=True)
    assert steady_one is not scheduler
    scheduler._offset = steady._offset()
    ahead = app.now() + HOUR
    for entry in scheduler.schedule.values():
        entry.last_run_at = ahead
    seen.off = -3600
    assert scheduler.tick() <= 5
    assert asked == [CLOCK_SET_BACK]
    assert all(entry.last_run_at < ahead - HOUR / 2 for entry in scheduler.schedule.values())


@pytest.mark.parametrize("seconds", [0, 3600, -1])
def test_a_clock_that_goes_on_is_put_ahead_or_slowed_changes_nothing(
    scheduler: steady.Scheduler, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    seen, asked = Clock(monkeypatch), told(scheduler, monkeypatch)
    scheduler._offset = steady._offset()
    before = {name: entry.last_run_at for name, entry in scheduler.schedule.items()}
    seen.off = seconds
    scheduler.tick()
    assert asked == []
    assert {name: entry.last_run_at for name, entry in scheduler.schedule.items()} == before


def test_what_could_not_be_told_is_told_at_the_next_tick(
    scheduler: steady.Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Clock(monkeypatch)
    scheduler._offset = steady._offset()

    def away(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(app, "send_task", away)
    seen.off = -3600
    scheduler.tick()
    asked = told(scheduler, monkeypatch)
    scheduler.tick()
    scheduler.tick()
    assert asked == [CLOCK_SET_BACK]


@pytest.mark.django_db
def test_what_waits_is_due_and_no_lease_is_longer_than_a_new_one() -> None:
    now = timezone.now()
    far = {"due_at": now + HOUR, "leased_until": now + HOUR}
    mail = {"size": 1, "recipients": 1, "received_at": now}
    waits = Spooled.objects.create(state="relaying", **far, **mail)
    over = Spooled.objects.create(state="held", **far, **mail)
    due = Spooled.objects.create(state="received", due_at=now, leased_until=now + timedelta(seconds=1), **mail)
    leaves = Outbound.objects.create(kind="notice", state="sending", message=uuid4(), address=b"x", **far)
    sent = Outbound.objects.create(kind="notice", state="sent", message=uuid4(), address=b"x", **far)
    assert clock.bring_near(now) == 4
    for row in (waits, over, due, leaves, sent):
        row.refresh_from_db()
    assert waits.due_at == leaves.due_at == due.due_at == now
    for row in (waits, leaves):
        assert row.leased_until is not None
        assert row.leased_until < now + HOUR / 4
    assert due.leased_until == now + timedelta(seconds=1)
    assert over.due_at == sent.due_at == now + HOUR, "what is over stays as it is"
