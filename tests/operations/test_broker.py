"""The embedded broker: bounded, whole, and unmoved by what does not belong in its folder."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection

from portal.celery import SEND_MAIL, WAITING
from portal.operations.broker import POLL_SECONDS, Transport, remove_leftovers


def connect(folder: Path) -> Any:
    return Connection("filesystem://", transport=Transport, transport_options={"folder": str(folder)})


def wake_up(task: str, number: int = 0) -> dict[str, Any]:
    return {"body": "", "headers": {"task": task, "id": number}, "properties": {"delivery_tag": str(number)}}


@pytest.fixture
def channel(tmp_path: Path) -> Any:
    with connect(tmp_path / "broker") as connection:
        yield connection.channel()


def test_it_gives_back_what_was_put_oldest_first(channel: Any) -> None:
    for number, task in enumerate(["a.one", "b.two", "c.three"]):
        channel._put("seal", wake_up(task, number))
        time.sleep(0.01)
    assert [channel._get("seal")["headers"]["id"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Empty):
        channel._get("seal")


def test_it_keeps_at_most_two_wake_ups_of_a_task(channel: Any) -> None:
    for number in range(1000):
        channel._put("notice", wake_up(SEND_MAIL, number))
    assert channel._size("notice") == WAITING == 2


def test_a_full_task_does_not_keep_another_task_out(channel: Any) -> None:
    for number in range(10):
        channel._put("notice", wake_up(SEND_MAIL, number))
    channel._put("notice", wake_up("portal.operations.tasks.tidy"))
    found = [channel._get("notice")["headers"]["task"] for _ in range(3)]
    assert sorted(found) == sorted([SEND_MAIL, SEND_MAIL, "portal.operations.tasks.tidy"])


def test_a_queue_is_a_folder_of_its_own(channel: Any, tmp_path: Path) -> None:
    channel._put("seal", wake_up("x"))
    assert [entry.name for entry in (tmp_path / "broker").iterdir()] == ["seal"]
    with pytest.raises(Empty):
        channel._get("notice")


def test_a_half_written_file_is_never_met_and_a_bad_one_is_set_aside(channel: Any, tmp_path: Path) -> None:
    channel._put("seal", wake_up("good"))
    folder = tmp_path / "broker" / "seal"
    (folder / ".0123").write_bytes(b'{"half')
    (folder / "bad.0").write_bytes(b"\x00\xff not a wake-up")
    (folder / "list.0").write_bytes(b"[1, 2]")
    (folder / "poor.0").write_bytes(json.dumps({"body": ""}).encode())
    os.utime(folder / "bad.0", (1, 1))
    assert channel._get("seal")["headers"]["task"] == "good"
    with pytest.raises(Empty):
        channel._get("seal")
    assert len(list((tmp_path / "broker" / "bad").iterdir())) == 3
    assert [entry.name for entry in folder.iterdir()] == [".0123"]


def test_who_waits_is_asked_in_between_whether_it_is_to_stop(tmp_path: Path) -> None:
    with connect(tmp_path / "broker") as connection:
        connection.channel().basic_consume("seal", no_ack=True, callback=print, consumer_tag="one")
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=60)
        assert time.monotonic() - began < 30


def test_a_name_that_would_leave_the_folder_is_refused(channel: Any) -> None:
    for queue in ("../outside", "", ".hidden", "bad", "a/b"):
        with pytest.raises(ValueError, match="name"):
            channel._put(queue, wake_up("x"))
    with pytest.raises(ValueError, match="name"):
        channel._put("seal", wake_up("../../x"))


def _take_all(folder: str, results: Any) -> None:
    with connect(Path(folder)) as connection:
        channel = connection.channel()
        taken, is_all = [], Path(folder) / ".all"
        while True:
            last_look = is_all.exists()
            try:
                taken.append(channel._get("seal")["headers"]["id"])
            except Empty:
                if last_look:
                    break
                time.sleep(0.001)
        results.put(taken)


def test_two_workers_never_take_the_same_wake_up(channel: Any, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    workers = [context.Process(target=_take_all, args=(str(tmp_path / "broker"), results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    until, put = time.monotonic() + 120, 0
    while put < 500:
        assert time.monotonic() < until, "nobody takes them"
        if channel._size("seal") < WAITING:
            channel._put("seal", wake_up("x", put))
            put += 1
    (tmp_path / "broker" / ".all").touch()
    taken = [*results.get(timeout=60), *results.get(timeout=60)]
    for worker in workers:
        worker.join(120)
    assert sorted(taken) == list(range(500))


def test_what_killed_processes_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    folder = tmp_path / "seal"
    folder.mkdir()
    old, new, waiting = folder / ".old", folder / ".new", folder / "task.0"
    for file in (old, new, waiting):
        file.write_text("{}")
    os.utime(old, (1, 1))
    os.utime(waiting, (1, 1))
    assert remove_leftovers(tmp_path, time.time() - 60) == 1
    assert sorted(file.name for file in folder.iterdir()) == [".new", "task.0"]


def test_an_idle_consumer_costs_next_to_nothing(tmp_path: Path) -> None:
    with connect(tmp_path / "broker") as connection:
        channel = connection.channel()
        for queue in ("seal", "notice", "bulk"):
            channel.basic_consume(queue, no_ack=True, callback=print, consumer_tag=queue)
        before = time.thread_time()
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=2)
        assert time.thread_time() - before < 0.1, "more than 5 % of a core"
    assert POLL_SECONDS <= 0.1
