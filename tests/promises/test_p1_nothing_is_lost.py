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
from pathlib import Path

import pytest

from tests import faults
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
    ("portal.ingest.settling:_protect", "after"),
    ("portal.ingest.pipeline:_drop", "before"),
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
        self.portal = Portal(data, LETTERLOCK_DEMO="off", LETTERLOCK_LEASE_SECONDS="2")
        self.portal.environment["LETTERLOCK_INSIDE_DOMAINS"] = "aldervalley.example"

    def turn(self, **environment: str) -> tuple[int, dict[str, list[object]]]:
        """One process from start to end: its exit status, -9 when it was killed, and what it says of each mail."""
        command = [sys.executable, ROOT / "tests" / "promises" / "turning.py"]
        path = os.pathsep.join(filter(None, (environment.pop("PYTHONPATH", ""), str(ROOT))))
        settings = {**self.portal.environment, **environment, "PYTHONPATH": path}
        done = subprocess.run(command, env=settings, cwd=ROOT, timeout=60, stdout=subprocess.PIPE)
        return done.returncode, json.loads(done.stdout or b"{}")

    def put(self, raw: bytes, *to: str) -> str:
        """Hand a mail in by command; its id."""
        addresses = [word for recipient in to for word in ("--to", recipient)]
        path = self.portal.data.parent / "mail.eml"
        path.write_bytes(raw)
        return self.portal.manage("ingest", str(path), "--from", MAYA, *addresses).stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    made = Wheel(tmp_path_factory.mktemp("wheel") / "data")
    made.portal.manage("prepare")
    return made


@pytest.fixture(scope="module")
def killed(wheel: Wheel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Future[None]]]:
    """Every step with a data folder of its own: most of the time a dead worker's lease is waited for, so at once."""
    folders = [tmp_path_factory.mktemp("killed") / "data" for _ in STEPS]
    for folder in folders:
        shutil.copytree(wheel.portal.data, folder)
    with ThreadPoolExecutor(3) as pool:
        yield [pool.submit(kill_at, Wheel(folder), *step) for folder, step in zip(folders, STEPS, strict=True)]


@pytest.mark.parametrize(
    "number", range(len(STEPS)), ids=[f"{when} {place.partition(':')[2]}" for place, when in STEPS]
)
def test_a_worker_killed_at_a_step_loses_nothing_and_tells_nobody_twice(
    killed: list[Future[None]], number: int
) -> None:
    killed[number].result(120)


def kill_at(wheel: Wheel, place: str, when: str) -> None:
    files = [("scan.bin", "application/pdf", os.urandom(400_000))]
    id_ = wheel.put(mail("[secure] Results", SECRET, files=files), JONAS, KARIN)
    assert wheel.turn(**faults.at(place, when))[0] == -signal.SIGKILL, "the fault was not met"
    time.sleep(2.1)  # the dead worker's lease runs out
    status, states = wheel.turn()
    assert status == 0
    assert states[id_] == ["done", 1]
    told = {who: Mailbox(wheel.portal.outbox, who).mails("notice") for who in (JONAS, KARIN)}
    assert {who: len(mails) for who, mails in told.items()} == {JONAS: 1, KARIN: 1}
    assert link_in(told[JONAS][0]) != link_in(told[KARIN][0])
    assert list((wheel.portal.data / "spool").glob(f"{id_}*")) == []


def test_relayed_mail_survives_a_kill_and_leaves_once(wheel: Wheel) -> None:
    raw = mail("Lunch", "No secret here.", headers=[("X-Number", "1")])
    wheel.put(raw, KARIN)
    assert wheel.turn(**faults.at("portal.delivery.outbox:Outbox.send", "after"))[0] == -signal.SIGKILL
    time.sleep(2.1)
    assert wheel.turn()[0] == 0
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
