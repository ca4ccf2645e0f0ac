"""Files of a batch are made durable by the caller while the disk is quick, and by threads together when it is not."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from portal.ingest import hands
from portal.ingest.hands import Hands


@pytest.fixture
def some() -> Iterator[Hands]:
    with Hands() as some:
        yield some


def work(slow: Callable[[int], bool]) -> Callable[[int], tuple[int, str]]:
    def done(number: int) -> tuple[int, str]:
        if slow(number):
            time.sleep(2 * hands.SLOW_SECONDS)
        return number, threading.current_thread().name

    return done


def test_a_quick_disk_needs_no_other_thread(some: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "SLOW_SECONDS", 5.0)
    assert list(some.map(work(lambda _: False), range(9))) == [(n, threading.current_thread().name) for n in range(9)]


def test_what_is_left_is_shared_among_threads_once_one_file_takes_long(
    some: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hands, "SLOW_SECONDS", 0.5)
    caller, all_at_work, met = threading.current_thread().name, threading.Barrier(hands.FSYNCS), set[str]()

    def at_work(number: int) -> tuple[int, str]:
        if (name := threading.current_thread().name) not in {caller, *met}:
            met.add(name)
            all_at_work.wait(120)
        return work(lambda number: number == 2)(number)

    outcomes = list(some.map(at_work, range(11)))
    assert [number for number, _ in outcomes] == list(range(11))
    by = [name for _, name in outcomes]
    assert by[:3] == [caller] * 3
    assert set(by[3:]) == met
    assert len(met) == hands.FSYNCS


def test_nothing_to_do_is_nothing(some: Hands) -> None:
    assert list(some.map(work(lambda _: False), [])) == []
