"""Ringing a bell: after the commit, at once in effect, and never a reason for the caller to fail or wait."""

from __future__ import annotations

import inspect
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction

from portal.celery import MOST_WAITING, PROCESS, ROUTES, SEND_MAIL, SEND_PASSCODES, app, queue_of, ring
from tests.servers import ROOT, Redis, free_port

RING = """
import logging, time
import django
django.setup()
from portal.celery import PROCESS, ring
for _ in range(3):
    began = time.monotonic()
    ring(PROCESS)
    print(time.monotonic() - began)
"""


def ringing_takes(broker: str, data: Path) -> list[float]:
    """Seconds that each of three rings took in a process of its own."""
    environment = {**os.environ, "LETTERLOCK_BROKER_URL": broker, "LETTERLOCK_DATA": str(data)}
    done = subprocess.run([sys.executable, "-c", RING], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("took no wake-up") <= 1
    return [float(line) for line in done.stdout.split()]


@pytest.fixture
def queues() -> Iterator[Path]:
    """The embedded broker's folder, empty."""
    folder = Path(settings.LETTERLOCK.data) / "broker"
    for file in folder.glob("*/*"):
        file.unlink()
    yield folder
    for file in folder.glob("*/*"):
        file.unlink()


def waiting(folder: Path) -> list[str]:
    return sorted(f"{file.parent.name}/{file.name}" for file in folder.glob("*/*"))


def test_a_passcode_never_stands_behind_other_mail() -> None:
    assert (queue_of(SEND_PASSCODES), queue_of(PROCESS), queue_of(SEND_MAIL)) == ("passcode", "seal", "notice")


@pytest.mark.django_db(transaction=True)
def test_a_bell_rings_only_when_the_row_is_committed(queues: Path) -> None:
    with transaction.atomic():
        ring(PROCESS)
        assert waiting(queues) == []
    assert waiting(queues) == [f"seal/{PROCESS}.0"]


@pytest.mark.django_db(transaction=True)
def test_nothing_rings_for_what_was_rolled_back(queues: Path) -> None:
    with transaction.atomic():
        ring(PROCESS)
        transaction.set_rollback(True)
    assert waiting(queues) == []


@pytest.mark.django_db(transaction=True)
def test_a_wake_up_carries_no_argument(queues: Path) -> None:
    ring(SEND_MAIL)
    text = (queues / "notice" / f"{SEND_MAIL}.0").read_text()
    assert '"argsrepr": "()"' in text
    assert '"kwargsrepr": "{}"' in text


def test_no_task_takes_an_argument_from_whoever_writes_the_broker() -> None:
    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
    assert set(ROUTES) <= set(ours)
    assert {name for name, task in ours.items() if inspect.signature(task.run).parameters} == set()


def test_a_broker_that_is_away_neither_fails_nor_holds_the_caller(tmp_path: Path) -> None:
    took = ringing_takes(f"redis://127.0.0.1:{free_port()}/0", tmp_path)
    assert took[0] < 2
    assert min(took[1:]) < 0.05, "the first failure spares the next callers the wait"


def test_a_broker_that_accepts_and_says_nothing_does_not_hold_the_caller(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        took = ringing_takes(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", tmp_path)
    assert took[0] < 4
    assert min(took[1:]) < 0.05


@pytest.mark.servers
def test_a_real_redis_takes_the_wake_up(redis: Redis, tmp_path: Path) -> None:
    ringing_takes(redis.url, tmp_path)
    with socket.create_connection(("127.0.0.1", redis.port)) as line:
        line.sendall(b"LLEN seal\r\n")
        # On a busy machine an answer may come after its second: then the same is rung once more, which does no harm.
        assert int(line.recv(64)[1:]) >= 3


@pytest.mark.servers
def test_a_queue_of_redis_that_nobody_takes_from_is_bounded(redis: Redis, tmp_path: Path) -> None:
    url = redis.url.removesuffix("0") + "7"
    environment = {**os.environ, "LETTERLOCK_BROKER_URL": url, "LETTERLOCK_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", RING.replace("range(3)", f"range({MOST_WAITING + 50})")],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with socket.create_connection(("127.0.0.1", redis.port)) as line:
        line.sendall(b"SELECT 7\r\nLLEN seal\r\n")
        with line.makefile("rb") as answers:
            assert [answers.readline(), answers.readline()] == [b"+OK\r\n", b":%d\r\n" % MOST_WAITING]
