"""A distributed set-up to break: PostgreSQL, a broker, a blob store and a mail host behind networks that can fail."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.loaded import Loaded
from tests.peers.clock import Clock
from tests.peers.mailhost import mailhost
from tests.peers.relay import Relay
from tests.promises.brokers import BROKERS
from tests.promises.ledger import CANARY, Ledger, Result
from tests.promises.test_p2_no_plaintext_at_rest import forms, places
from tests.servers import BUSY, MANAGE, ROOT, S3, PostgreSQL, listens, wait_for

QUICK = {"LETTERLOCK_LEASE_SECONDS": "4", "LETTERLOCK_SWEEP_SECONDS": "1", "LETTERLOCK_DEMO": "off"}
UNDER_WAY = ("received", "sealed", "relaying", "due", "sending")
SPOOL_MIB, DATABASE_MIB = 8, 384


class Estate:
    """Everything that one portal leans on, and the ledger of what was handed in. `broker` is redis or rabbitmq."""

    def __init__(self, folder: Path, broker: str = "redis") -> None:
        self._stack = ExitStack()
        self.folder = folder
        self.broker = BROKERS[broker](folder)
        self.clock = Clock(folder)
        self.other_beat: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Estate:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack) -> None:
        """All but the broker, so that it is absent while the first mail is taken."""
        self.postgresql = PostgreSQL(self.folder)
        self.spool = self.folder / "data" / "spool"
        if can_mount():
            stack.enter_context(small_disk(self.postgresql.folder, DATABASE_MIB))
            stack.enter_context(small_disk(self.spool, SPOOL_MIB))
            self.postgresql.take_over_folder()
        stack.enter_context(self.postgresql)
        self.s3 = stack.enter_context(S3())
        self.bucket = stack.enter_context(Relay(self.s3.port))
        self.mailhost = stack.enter_context(mailhost())
        self.portal = Loaded(
            self.folder / "data",
            LETTERLOCK_DATABASE_URL=self.postgresql.url,
            LETTERLOCK_BROKER_URL=self.broker.url,
            LETTERLOCK_BLOB_URL=self.s3.url.replace(str(self.s3.port), str(self.bucket.port)),
            LETTERLOCK_RELAY_URL=self.mailhost.url,
            LETTERLOCK_INSIDE_DOMAINS="aldervalley.example",
            **S3.environment,
            **self.clock.environment,
            **QUICK,
        )
        self.ledger = Ledger(self.portal, self.mailhost)
        stack.callback(self.portal.stop)
        self.portal.launch()
        wait_for(lambda: listens(self.portal.smtp_port), 60, f"No door without a broker: {self.portal.seen()}")
        self.ledger.hand_in("early@mail.example")
        stack.enter_context(self.broker)
        self.until_well()
        stack.callback(self._stop_other_beat)
        self.other_beat = subprocess.Popen(
            [sys.executable, MANAGE, "beat"],
            cwd=ROOT, env=self.portal.environment, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def _stop_other_beat(self) -> None:
        if self.other_beat is None:
            return
        self.other_beat.send_signal(signal.SIGTERM)
        try:
            self.other_beat.wait(20)
        except subprocess.TimeoutExpired:  # raised here it would hide why a test ends in the middle of a trouble
            self.other_beat.kill()
            self.other_beat.wait()

    def set_clock(self, seconds: int) -> None:
        """Let the time of day of all the portal's processes be off by so much, from now on."""
        self.clock.set(seconds)

    def until_well(self, seconds: float = 90) -> None:
        """Until the health page says 200."""
        until(
            lambda: self.portal.health()[0] == 200, seconds, lambda: f"It did not become well: {self.portal.health()}"
        )

    def until_quiet(self, seconds: float = 120) -> None:
        """Until nothing is on its way: every mail is sealed, passed on or held, and every notice left or failed."""
        until(lambda: not self.on_their_way(), seconds, lambda: f"Still on their way: {self.on_their_way()}")

    def on_their_way(self) -> dict[str, int]:
        """States of mails and of what is to leave, as long as they are not final, with their numbers."""
        states = {**self.states("ingest_spooled"), **self.states("delivery_outbound")}
        return {state: number for state, number in states.items() if state in UNDER_WAY}

    def states(self, table: str) -> dict[str, int]:
        """How many rows are in each state."""
        return dict(self._ask(f"SELECT state, count(*) FROM {table} GROUP BY state"))  # noqa: S608 # our own names

    def tries(self) -> int:
        """How often anything was tried to be sent so far."""
        return int(self._ask("SELECT coalesce(sum(attempts), 0) FROM delivery_outbound")[0][0])

    def reason(self, id_: str) -> str:
        """Why this mail waits, as its trace says."""
        return str(self._ask("SELECT last_error FROM ingest_spooled WHERE id = %s", id_)[0][0])

    def settle(self, most_more: int = 1) -> Result:
        """Once nothing is on its way, the ledger's account of it."""
        self.until_quiet()
        query = "SELECT DISTINCT message FROM audit_entry WHERE (facts->>'maybe_twice')::boolean"
        return self.ledger.settle([str(id_) for (id_,) in self._ask(query)], most_more)

    def _ask(self, query: str, *values: object) -> list[Any]:
        with psycopg.connect(self.postgresql.url, connect_timeout=5) as connection:
            return connection.execute(query, values).fetchall()

    def plaintext(self) -> list[str]:
        """Everywhere that the canary stands in some form: the portal's folder, database, broker and bucket."""
        self.broker.write_all()
        found = [
            *places(self.portal.data, CANARY),
            *places(self.postgresql.folder, CANARY),
            *places(self.folder, CANARY),
        ]
        wanted = forms(CANARY)
        objects = self.s3.objects()
        assert objects or not any(entry.protected for entry in self.ledger.entries), "the bucket was not looked into"
        return found + [name for name, content in objects.items() if any(form in content for form in wanted)]


def until(true: Callable[[], object], seconds: float, sentence: Callable[[], str]) -> None:
    """Wait for something to become true; AssertionError that says how it is if it took BUSY times `seconds`."""
    end = time.monotonic() + BUSY * seconds
    while not true():
        assert time.monotonic() < end, sentence()
        time.sleep(0.05)


def can_mount() -> bool:
    """Whether a small disk can be made here."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """A file system of its own, so small that a test can fill it."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "letterlock", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def fill(folder: Path) -> Path:
    """Leave no byte free; the file to remove again. Once more fills what was freed meanwhile."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return filler
