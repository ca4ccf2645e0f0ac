"""Several schedulers, one at a time: the others wait, and one of them takes over within seconds."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db.models import F
from django.utils import timezone

from portal.celery import app
from portal.operations import scheduling, turns, working
from portal.operations.models import Turn
from tests.servers import MANAGE, ROOT, Portal, PostgreSQL, wait_for


@pytest.mark.django_db
def test_a_turn_is_one_holders_until_it_ends_or_is_given_up() -> None:
    assert turns.take("first")
    assert turns.take("first")
    assert not turns.take("second")
    turns.give_up("second")
    assert not turns.take("second")
    turns.give_up("first")
    assert turns.take("second")
    assert not turns.take("first")
    Turn.objects.update(until=F("until") - timezone.timedelta(seconds=turns.LEASE_SECONDS + 1))
    assert turns.take("first")
    turns.forget()
    assert turns.take("third")


@pytest.mark.django_db
def test_a_turn_follows_the_databases_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose clock is an hour ahead does not take the turn away."""
    assert turns.take("first")
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setattr(
        timezone, "now", lambda: timezone.datetime.fromtimestamp(later, timezone.get_current_timezone())
    )
    assert not turns.take("second")


def test_sigterm_in_the_middle_of_a_wake_up_leaves_its_lock_before_anything_is_closed() -> None:
    """As one that RabbitMQ's client holds while it writes. Celery's own handler closed within it, and never ended."""
    lock = threading.Lock()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        working.Timekeeper(app=app, quiet=True).install_sync_handler(None)
        with pytest.raises(SystemExit), lock:
            signal.raise_signal(signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert not lock.locked()


@pytest.mark.django_db(transaction=True)
def test_a_scheduler_that_ends_gives_up_its_turn_and_asks_nothing_of_a_broker_that_is_silent() -> None:
    scheduler = scheduling.OneAtATime(app=app, lazy=True)
    assert scheduler._turn()
    released: list[str] = []

    class Silent:
        connection_errors = channel_errors = ()

        def release(self) -> None:
            released.append("waits for ever")

    scheduler.connection = Silent()
    scheduler.close()
    assert released == []
    assert turns.take("another")


class Beat:
    """`manage.py beat` of one host: a data folder of its own, so that its wake-ups can be told from the other's."""

    def __init__(self, folder: Path, url: str) -> None:
        self.portal = Portal(folder, LETTERLOCK_DATABASE_URL=url, LETTERLOCK_SWEEP_SECONDS="1", LETTERLOCK_DEMO="off")
        self.broker = folder / "broker"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.portal.data.mkdir(exist_ok=True)
        with (self.portal.data / "beat.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, MANAGE, "beat"], cwd=ROOT, env=self.portal.environment, stdout=log, stderr=log
            )

    def said(self) -> str:
        return (self.portal.data / "beat.txt").read_text()

    def rang(self) -> bool:
        return any(path.is_file() for path in self.broker.glob("*/*"))

    def rings_again(self) -> None:
        """Wait until one that has the turn rang four times more, a second apart: any other would have by then."""
        for _ in range(4):
            self.forget()
            wait_for(self.rang, 20, "The scheduler that has the turn rang no more")

    def forget(self) -> None:
        for path in self.broker.glob("*/*"):
            path.unlink()

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def beats(tmp_path: Path, postgresql: PostgreSQL) -> Iterator[tuple[Beat, Beat]]:
    made = Beat(tmp_path / "one", postgresql.url), Beat(tmp_path / "two", postgresql.url)
    made[0].portal.manage("prepare")
    yield made
    for beat in made:
        beat.end()


@pytest.mark.servers
def test_of_two_hosts_one_rings_and_the_other_takes_over_when_it_is_killed(beats: tuple[Beat, Beat]) -> None:
    first, second = beats
    first.start()
    wait_for(first.rang, 20, "The first scheduler rang for nothing")
    second.start()
    wait_for(lambda: "this one waits" in second.said() or second.rang(), 20, "The second scheduler did not look")
    first.rings_again()
    assert not second.rang()
    assert first.process is not None
    first.process.kill()
    wait_for(second.rang, turns.LEASE_SECONDS + 2 * turns.RENEW_SECONDS, "The second scheduler did not take over")
    # And one that ends in order lets the next begin without waiting for the end of its lease.
    first.end()
    first.forget()
    first.start()
    wait_for(lambda: "this one waits" in first.said() or first.rang(), 20, "It did not look")
    second.rings_again()
    assert not first.rang()
    assert second.process is not None
    with psycopg.connect(second.portal.environment["LETTERLOCK_DATABASE_URL"], autocommit=True) as database:
        ((held_by,),) = database.execute("SELECT holder FROM operations_turn").fetchall()
        second.process.terminate()
        second.process.wait(120)
        lives = "SELECT 1 FROM operations_turn WHERE holder = %s AND until > now() - interval '1 hour'"
        assert not database.execute(lives, [held_by]).fetchall(), "the turn was not given up"
    wait_for(first.rang, 20, "The first did not take the turn that is free")
