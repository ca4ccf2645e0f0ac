"""P1: mail answered 250 is never lost, and nobody is told of it twice, wherever a process is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import faults
from tests.loaded import Loaded
from tests.mails import JONAS, KARIN, MAYA, Mailbox, link_in, mail, send
from tests.person import Person
from tests.promises.burst import QUICK, SECRET, burst
from tests.servers import ROOT, Portal

pytestmark = pytest.mark.servers

STEPS = [
    ("portal.ingest.spool:open_spooled", "after"),
    ("portal.mime.reading:read", "after"),
    ("portal.rules.deciding:decide", "after"),
    ("portal.vault.folder:FolderStore.put", "after"),
    ("portal.vault.sealing:seal_streams", "after"),
    ("portal.vault.sealing:commit_all", "before"),
    ("portal.vault.sealing:commit_all", "after"),
    ("portal.ingest.settled:_protect", "after"),
    ("portal.ingest.pipeline:_drop", "before"),
    ("portal.ingest.spares:empty", "after"),
    ("portal.ingest.spoolfolder:remove", "after"),
    ("portal.ingest.pipeline:_drop", "after"),
    ("portal.delivery.outcomes:Lease.begin", "after"),
    ("portal.delivery.notices:build", "after"),
    ("portal.delivery.outbox:Outbox.send", "before"),
    ("portal.delivery.outbox:Outbox.send", "after"),
    ("portal.delivery.outcomes:sent", "after"),
]


class Wheel:
    """A data folder and the workers' wheel, without web and door: quick to kill and to start again."""

    def __init__(self, data: Path) -> None:
        self.portal = Loaded(data, LETTERLOCK_DEMO="off", LETTERLOCK_LEASE_SECONDS="2")
        self.portal.environment["LETTERLOCK_INSIDE_DOMAINS"] = "aldervalley.example"

    def killed_at(self, place: str, when: str, data: Path | None = None) -> float:
        """A process that turns until the plug is pulled there; the moment that its lease has run out."""
        environment = {**self.portal.environment, **faults.at(place, when)}
        environment["PYTHONPATH"] = os.pathsep.join((environment["PYTHONPATH"], str(ROOT)))
        environment["LETTERLOCK_DATA"] = str(data or self.portal.data)
        command = [sys.executable, ROOT / "tests" / "promises" / "turning.py"]
        done = subprocess.run(command, env=environment, cwd=ROOT, timeout=300, stdout=subprocess.DEVNULL)
        assert done.returncode == -signal.SIGKILL, "the fault was not met"
        return time.monotonic() + 2.1

    def turn(self) -> dict[str, list[object]]:
        """Another process, from start to end; what it says of each mail."""
        code = "from tests.promises.turning import turn; turn()"
        said: dict[str, list[object]] = json.loads(
            self.portal.manage("shell", "-v0", "--no-imports", "-c", code).stdout
        )
        return said

    def put(self, raw: bytes, *to: str) -> str:
        """Hand a mail in by command; its id."""
        addresses = [word for recipient in to for word in ("--to", recipient)]
        path = self.portal.data.parent / "mail.eml"
        path.write_bytes(raw)
        return self.portal.manage("ingest", str(path), "--from", MAYA, *addresses).stdout.split()[-1]

    @contextmanager
    def on(self, folder: Path) -> Iterator[None]:
        """With another data folder in the place of its own, so that what is loaded serves all of them."""
        aside = self.portal.data.with_name("aside")
        self.portal.data.rename(aside)
        folder.rename(self.portal.data)
        try:
            yield
        finally:
            self.portal.data.rename(folder)
            aside.rename(self.portal.data)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wheel]:
    made = Wheel(tmp_path_factory.mktemp("wheel") / "data")
    made.portal.manage("prepare")
    yield made
    made.portal.unload()


@dataclass
class Killed:
    """A data folder with one mail and a dead worker, whose lease runs out at a moment that is still to come."""

    data: Path
    id: str
    lapses: Future[float]


@pytest.fixture(scope="module")
def killed(wheel: Wheel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Killed]]:
    """One mail as the door has left it, copied for every step; the plug is pulled in each copy at once."""
    folders = [tmp_path_factory.mktemp("killed") / "data" for _ in STEPS]
    shutil.copytree(wheel.portal.data, folders[0])
    with wheel.on(folders[0]):
        files = [("scan.bin", "application/pdf", os.urandom(400_000))]
        id_ = wheel.put(mail("[secure] Results", SECRET, files=files), JONAS, KARIN)
    for folder in folders[1:]:
        shutil.copytree(folders[0], folder)
    with ThreadPoolExecutor(3) as pool:
        lapses = [pool.submit(wheel.killed_at, *step, folder) for folder, step in zip(folders, STEPS, strict=True)]
        yield [Killed(folder, id_, moment) for folder, moment in zip(folders, lapses, strict=True)]


@pytest.mark.parametrize(
    "number", range(len(STEPS)), ids=[f"{when} {place.partition(':')[2]}" for place, when in STEPS]
)
def test_a_worker_killed_at_a_step_loses_nothing_and_tells_nobody_twice(
    wheel: Wheel, killed: list[Killed], number: int
) -> None:
    one = killed[number]
    time.sleep(max(0, one.lapses.result(600) - time.monotonic()))
    with wheel.on(one.data):
        assert wheel.turn()[one.id] == ["done", 1]
        told = {who: Mailbox(wheel.portal.outbox, who).mails("notice") for who in (JONAS, KARIN)}
    assert {who: len(mails) for who, mails in told.items()} == {JONAS: 1, KARIN: 1}
    assert link_in(told[JONAS][0]) != link_in(told[KARIN][0])
    assert (one.data / "spool").is_dir()
    assert list((one.data / "spool").glob(f"{one.id}*")) == []


def test_relayed_mail_survives_a_kill_and_leaves_once(wheel: Wheel) -> None:
    raw = mail("Lunch", "No secret here.", headers=[("X-Number", "1")])
    wheel.put(raw, KARIN)
    lapses = wheel.killed_at("portal.delivery.outbox:Outbox.send", "after")
    time.sleep(max(0, lapses - time.monotonic()))
    wheel.turn()
    (relayed,) = Mailbox(wheel.portal.outbox, KARIN).mails("")
    assert relayed["X-Number"] == "1"


def test_everything_arrives_once_while_workers_and_door_are_killed(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", **QUICK) as portal:
        people = burst(portal, 24, kill_worker_every=8, kill_door_every=9)
        mailbox = Mailbox(portal.outbox, people[-1])
        assert SECRET in Person(portal.url).sign_in(link_in(mailbox.mails("notice")[0]), mailbox).text


def test_a_lost_broker_loses_nothing(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", LETTERLOCK_DEMO="off", LETTERLOCK_SWEEP_SECONDS="1") as portal:
        broker = portal.data / "broker"
        for path in broker.rglob("*"):
            if path.is_file():
                path.unlink(missing_ok=True)
        send(portal.smtp, mail("[secure] One", SECRET))
        for path in broker.rglob("*"):
            if path.is_file():
                path.unlink(missing_ok=True)
        Mailbox(portal.outbox, JONAS).wait("notice")
