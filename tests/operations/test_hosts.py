"""Several hosts that share the services and no disk: each part runs alone, and any may vanish with its data folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.mails import JONAS, MAYA, Mailbox, link_in, mail, send, text_of
from tests.person import Person
from tests.servers import MANAGE, ROOT, S3, PostgreSQL, Redis, Server, free_port, listens, wait_for

pytestmark = pytest.mark.servers
SCAN = os.urandom(400_000)
"""Larger than a row, and larger than what a door keeps in memory: it goes by the blob store and the host's disk."""


class Host(Server):
    """One part, started by its own command, with a data folder that nobody else sees."""

    def __init__(self, data: Path, command: tuple[str, ...], environment: dict[str, str], ready: int = 0) -> None:
        self.data = data
        self._command = command
        self._environment = {**environment, "LETTERLOCK_DATA": str(data)}
        self._ready = ready
        self.log = data.parent / f"{data.name}.log"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, MANAGE, *self._command],
                cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        if self._ready:
            wait_for(lambda: listens(self._ready), 30, f"{self._command[0]} did not start, see {self.log}")

    def burn_down(self) -> None:
        """The host is gone with its disk."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        shutil.rmtree(self.data, ignore_errors=True)


class Hosts:
    """The services, and how a part is started on a host of its own."""

    def __init__(self, folder: Path, postgresql: PostgreSQL, redis: Redis, s3: S3) -> None:
        self.folder = folder
        self.stack = ExitStack()
        self.http, self.smtp = free_port(), free_port()
        messages = postgresql.url
        postgresql.new_database()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("LETTERLOCK_", "DJANGO_"))},
            **S3.environment,
            "LETTERLOCK_DATABASE_URL": messages,
            "LETTERLOCK_KEYRING_URL": postgresql.url,
            "LETTERLOCK_BROKER_URL": redis.url.removesuffix("/0") + "/5",
            "LETTERLOCK_BLOB_URL": s3.url.replace("/blobs?", "/hosts/blobs?"),
            "LETTERLOCK_SPOOL_URL": s3.url.replace("/blobs?", "/hosts/spool?"),
            "LETTERLOCK_KEY_URL": f"file:{folder / 'keys' / 'root.key'}",
            "LETTERLOCK_HTTP": f"127.0.0.1:{self.http}",
            "LETTERLOCK_SMTP": f"127.0.0.1:{self.smtp}",
            "LETTERLOCK_INSIDE_DOMAINS": "aldervalley.example",
            "LETTERLOCK_DEMO": "off",
            "LETTERLOCK_SWEEP_SECONDS": "1",
            "LETTERLOCK_LEASE_SECONDS": "5",
        }

    def run(self, name: str, *command: str, ready: int = 0, **environment: str) -> Host:
        host = Host(self.folder / name, command, {**self.environment, **environment}, ready)
        self.stack.enter_context(host)
        return host

    def manage(self, *command: str) -> str:
        environment = {**self.environment, "LETTERLOCK_DATA": str(self.folder / "prepare")}
        done = subprocess.run(
            [sys.executable, MANAGE, *command], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def worker(self, name: str) -> Host:
        return self.run(name, "worker", "--pool", "solo")


@pytest.fixture
def hosts(tmp_path: Path, postgresql: PostgreSQL, redis: Redis, s3: S3) -> Iterator[Hosts]:
    (tmp_path / "keys").mkdir()
    made = Hosts(tmp_path, postgresql, redis, s3)
    with made.stack:
        yield made


def test_mail_taken_on_one_host_is_read_and_answered_on_another_after_the_first_burned_down(hosts: Hosts) -> None:
    hosts.manage("prepare")
    # The door's host has no root key: it can open neither what it takes in nor anything else.
    door = hosts.run("door", "door", ready=hosts.smtp, LETTERLOCK_KEY_URL="file:/nowhere/root.key")
    id_ = send(("127.0.0.1", hosts.smtp), mail(files=[("scan.bin", "application/pdf", SCAN)]))
    relayed = send(("127.0.0.1", hosts.smtp), mail("Lunch", "Nothing secret."))
    door.burn_down()

    hosts.run("beat", "beat")
    web = hosts.run("web", "web", ready=hosts.http)
    first = hosts.worker("first")
    mailbox = Mailbox(first.data / "outbox", JONAS)
    notice = mailbox.wait("notice", seconds=60)
    (plain,) = [mailbox.wait("")]
    assert text_of(plain).strip() == "Nothing secret."
    person = Person(f"http://localhost:{hosts.http}")
    link = link_in(notice)
    path = urlsplit(link).path
    assert "the scan shows no new tear" in person.sign_in(link, mailbox).text
    assert person.get(f"{path}/file/1").body == SCAN

    first.burn_down()
    person.post(f"{path}/reply", {"message": "Thank you for the good news."})
    web.burn_down()
    second = hosts.worker("second")
    assert "Thank you for the good news." in text_of(Mailbox(second.data / "outbox", MAYA).wait("reply", seconds=60))
    for sent in (id_, relayed):
        assert '"held": false' in hosts.manage("trace", sent, "--json")
