"""What door processes count together: sessions of a connector, whoever of them ends how."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial

import pytest

from portal.ingest.smtp import common
from portal.ingest.smtp.common import Seats


def in_a_process(act: Callable[[], object]) -> int:
    """Do it in a process forked from this one; its exit status, negative for a signal."""
    if (pid := os.fork()) == 0:
        try:
            os._exit(int(bool(act())))
        finally:
            os._exit(9)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_all_of_them_have_so_many_and_no_more() -> None:
    seats = Seats(3)
    assert [in_a_process(partial(seats.enter, number, "office", 2)) for number in range(3)] == [1, 1, 0]
    assert seats.enter(0, "other", 1), "another connector has its own"
    in_a_process(partial(seats.leave, 1, "office"))
    assert seats.enter(2, "office", 2) and not seats.enter(1, "office", 2)


def test_one_that_is_killed_leaves_no_session_counted_and_no_lock() -> None:
    seats = Seats(2)
    assert seats.enter(0, "office", 4)

    def die() -> None:
        assert seats.enter(1, "office", 4) and seats.enter(1, "office", 4) and seats.enter(1, "other", 1)
        with seats._shared.alone():
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_a_process(die) == -signal.SIGKILL
    assert not seats.enter(0, "office", 3) and not seats.enter(0, "other", 1)
    seats.ended(1)
    assert [seats.enter(0, "office", 4) for _ in range(4)] == [True, True, True, False]
    assert seats.enter(0, "other", 1)


def test_at_once_they_have_no_more_either() -> None:
    seats, most = Seats(4), 30
    pids = []
    for number in range(4):
        if (pid := os.fork()) == 0:
            os._exit(sum(seats.enter(number, "office", most) for _ in range(most)))
        pids.append(pid)
    assert sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids) == most


def test_a_place_that_nobody_needs_is_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "COLUMNS", 2)
    seats = Seats(1)
    assert seats.enter(0, "a", 1) and seats.enter(0, "b", 1)
    assert not seats.enter(0, "c", 1), "there is no place to count it"
    seats.leave(0, "a")
    assert seats.enter(0, "c", 1) and not seats.enter(0, "b", 1)
    seats.leave(0, "a")
    assert not seats.enter(0, "c", 1)
