"""A worker that no longer hears: told apart from one at work, one with nothing to do, and a broker that is away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery.worker import state

from portal.celery import PROCESS, app
from portal.operations.hearing import DEAF_LOOKS, Hearing, waiting


@pytest.fixture(autouse=True)
def _nothing_waits() -> None:
    """What other tests have rung for is gone."""
    with app.connection_for_write() as connection:
        for queue in ("seal", "passcode"):
            connection.default_channel.queue_purge(queue)


@pytest.fixture
def wake_up() -> Iterator[None]:
    """One that waits in the queue seal of the embedded broker."""
    app.send_task(PROCESS, queue="seal", ignore_result=True)
    yield
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge("seal")


def test_wake_ups_are_counted(wake_up: None) -> None:
    assert waiting(["passcode"]) == 0
    assert waiting(["passcode", "seal"]) == 1


def test_a_worker_beside_which_wake_ups_wait_is_lost_after_a_few_looks(wake_up: None) -> None:
    hearing = Hearing(["seal"])
    looks = [hearing.is_lost() for _ in range(DEAF_LOOKS + 1)]
    assert looks == [False] * DEAF_LOOKS + [True], "the first look has none before it to compare with"


def test_a_worker_that_has_nothing_to_do_is_not_lost() -> None:
    hearing = Hearing(["seal"])
    assert not any(hearing.is_lost() for _ in range(DEAF_LOOKS + 3))


def test_a_worker_that_took_something_is_not_lost(wake_up: None, monkeypatch: pytest.MonkeyPatch) -> None:
    hearing = Hearing(["seal"])
    for taken in range(DEAF_LOOKS + 3):
        monkeypatch.setattr(state, "all_total_count", [taken])
        assert not hearing.is_lost()


@pytest.mark.parametrize("place", ["active_requests", "reserved_requests"])
def test_a_worker_at_work_is_not_lost(wake_up: None, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setattr(state, place, {object()})
    hearing = Hearing(["seal"])
    assert not any(hearing.is_lost() for _ in range(DEAF_LOOKS + 3))
