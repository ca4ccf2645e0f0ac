"""Signs of life: missing ones are named, and a worker in the middle of a long task still counts as well."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.operations import heartbeats
from portal.operations.models import Heartbeat

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_queue_that_was_not_heard_of_is_named() -> None:
    assert heartbeats.late() == ["passcode", "seal", "notice", "bulk"]
    heartbeats.beat("seal")
    assert heartbeats.late() == ["passcode", "notice", "bulk"]


def test_a_beat_of_half_a_minute_ago_is_too_old() -> None:
    for queue in heartbeats.QUEUES:
        heartbeats.beat(queue)
    assert heartbeats.late() == []
    Heartbeat.objects.update(at=timezone.now() - timedelta(seconds=heartbeats.YOUNG_SECONDS + 1))
    assert heartbeats.late() == list(heartbeats.QUEUES)


def test_an_earlier_runs_beats_are_forgotten_at_a_start() -> None:
    heartbeats.beat("seal")
    heartbeats.forget()
    assert "seal" in heartbeats.late()


def test_a_worker_in_the_middle_of_a_long_task_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "PULSE_SECONDS", 0.2)
    heartbeats.task_began("seal")
    try:
        until = time.monotonic() + 120
        while "seal" in heartbeats.late():
            assert time.monotonic() < until, "the long task was taken for a dead worker"
            time.sleep(0.05)
    finally:
        heartbeats.task_ended()
    time.sleep(0.6)  # a beat may be on its way still
    heartbeats.forget()
    time.sleep(0.6)
    assert "seal" in heartbeats.late()
