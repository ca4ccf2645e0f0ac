"""The recipients that a connector may name in an hour, counted for all doors of an installation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from portal.ingest import enrolling, hourly
from portal.ingest.connectors import Connector
from portal.ingest.models import Hourly
from portal.ingest.smtp import allowance
from portal.ingest.smtp.allowance import Allowance

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Process:
    """A door process of which only the allowance is there, with a clock of its own."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.allowance = Allowance(lambda: self.now)
        self.loop = asyncio.Runner()

    def names(self, connector: Connector, times: int = 10) -> int:
        """Of so many recipients at once, how many it may name."""

        async def all_at_once() -> list[bool]:
            return await asyncio.gather(*(self.allowance.take(connector) for _ in range(times)))

        return sum(self.loop.run(all_at_once()))


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine's database is not one that is away."""
    monkeypatch.setattr(allowance, "WAIT_SECONDS", 120.0)


@pytest.fixture
def processes(transactional_db: None) -> Iterator[tuple[Process, Process]]:
    both = Process(), Process()
    yield both
    for process in both:
        process.allowance.close()
        process.loop.close()


def limited(most: int) -> Connector:
    enrolling.add("office", {"networks": "192.0.2.0/24", "max_hourly": most})
    return Connector("office", max_hourly=most)


def an_hour_passes(part: float = 1.0) -> None:
    for row in Hourly.objects.all():
        row.at -= timedelta(hours=part)
        row.save()


def test_two_processes_share_an_hour_s_recipients(
    processes: tuple[Process, Process], caplog: pytest.LogCaptureFixture
) -> None:
    one, other = processes
    office = limited(3)
    assert (one.names(office, 2), other.names(office), one.names(office)) == (2, 1, 0)
    assert caplog.text.count("connector office has named as many recipients as it may in an hour (3)") == 2
    an_hour_passes(0.34)
    assert one.names(office) == 0, "what was used up is not asked for again for a while"
    one.now += allowance.SHUT_SECONDS
    assert one.names(office) == 1
    an_hour_passes(40)
    for process in processes:
        process.now += allowance.SHUT_SECONDS
    assert one.names(office) + other.names(office) == 3


def test_a_process_asks_for_a_hundredth_at_a_time(processes: tuple[Process, Process]) -> None:
    one, other = processes
    office = limited(1000)
    began = time.time()
    with Asked() as asked:
        assert one.names(office, 100) == 100
    assert asked.times == 10
    more = other.names(office, 1000) - 900
    assert 0 <= more <= 1 + (time.time() - began) / 3.6, "a recipient comes back every 3.6 seconds"


def test_processes_that_ask_at_once_are_given_no_recipient_twice(transactional_db: None) -> None:
    office = limited(60)

    async def named() -> int:
        doors = [Allowance(), Allowance(), Allowance()]
        answers = await asyncio.gather(*(door.take(office) for door in doors for _ in range(30)))
        for door in doors:
            door.close()
        return sum(answers)

    assert asyncio.run(named()) == 60


def test_a_connector_without_a_limit_asks_nobody(processes: tuple[Process, Process]) -> None:
    with Asked() as asked:
        assert processes[0].names(Connector("program")) == 10
    assert asked.times == 0


def test_while_the_database_is_away_each_process_counts_by_itself(
    processes: tuple[Process, Process], caplog: pytest.LogCaptureFixture
) -> None:
    one, other = processes
    office = limited(3)
    assert one.names(office, 1) == 1
    table = Hourly._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
    try:
        assert (one.names(office), other.names(office)) == (2, 3), "neither refused for it nor without a limit"
        assert "counted in this process alone for now (" in caplog.text
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")
    assert one.names(office) == 0
    one.now += allowance.ALONE_SECONDS
    assert one.names(office) == 2, "the common count goes on where it was"


def test_a_database_that_does_not_answer_keeps_no_client_waiting(
    processes: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "WAIT_SECONDS", 0.0)
    office = limited(3)
    assert processes[0].names(office) == 3
    assert processes[0].names(office) == 0


@pytest.mark.django_db
def test_another_limit_counts_at_once() -> None:
    limited(3)
    assert [hourly.take_portion("office", 3, NOW)[0] for _ in range(4)] == [1, 1, 1, 0]
    assert hourly.take_portion("office", 3, NOW)[1] == pytest.approx(1200)
    assert hourly.take_portion("office", 5, NOW)[0] == 1
    assert hourly.take_portion("office", 1, NOW)[1] == pytest.approx(3600), "and owes no more than an hour"


@pytest.mark.django_db
def test_a_host_whose_clock_is_behind_brings_nothing_back_twice() -> None:
    limited(1)
    hourly.take_portion("office", 1, NOW)
    assert hourly.take_portion("office", 1, NOW - timedelta(hours=2))[0] == 0
    assert hourly.take_portion("office", 1, NOW + timedelta(minutes=59))[0] == 0
    assert hourly.take_portion("office", 1, NOW + timedelta(minutes=60))[0] == 1


@pytest.mark.django_db
def test_a_removed_connector_leaves_no_count() -> None:
    limited(3)
    hourly.take_portion("office", 3, NOW)
    enrolling.remove("office")
    assert not Hourly.objects.exists()


class Asked:
    """Counts the questions that reach the common count meanwhile."""

    times = 0

    def __enter__(self) -> Asked:
        self._real = hourly.take_portion
        hourly.take_portion = self._count  # type: ignore[assignment]
        return self

    def _count(self, name: str, most: int, now: datetime) -> tuple[int, float]:
        self.times += 1
        return self._real(name, most, now)

    def __exit__(self, *_: object) -> None:
        hourly.take_portion = self._real
