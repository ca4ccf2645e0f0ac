"""One machine whose disks are full, one after the other: blobs, SQLite's database, and then everything else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers.mailhost import Mailhost, mailhost
from tests.promises.estate import QUICK, UNDER_WAY, can_mount, fill, small_disk, until
from tests.promises.ledger import Ledger, Load
from tests.servers import Portal, wait_for

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(not can_mount(), reason="making a small disk to fill needs root"),
]
BLOBS_MIB, DATABASE_MIB, DATA_MIB = 8, 16, 64


@dataclass
class Machine:
    """A portal that needs nothing beside it, with three disks."""

    data: Path
    portal: Portal
    mailhost: Mailhost
    ledger: Ledger

    @property
    def blobs(self) -> Path:
        return self.data / "blobs"

    @property
    def database(self) -> Path:
        return self.data / "database"

    def ask(self, query: str, *values: object) -> list[tuple[str, int]]:
        with closing(sqlite3.connect(self.database / "letterlock.sqlite3", timeout=20)) as connection:
            return connection.execute(query, values).fetchall()

    def until_well(self) -> None:
        until(lambda: self.portal.health()[0] == 200, 90, lambda: f"It did not become well: {self.portal.health()}")

    def told(self, address: str) -> None:
        self.mailhost.mailbox(address).wait("notice", seconds=60)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    data = folder / "data"
    with ExitStack() as stack:
        for disk, size in ((data, DATA_MIB), (data / "blobs", BLOBS_MIB), (data / "database", DATABASE_MIB)):
            stack.enter_context(small_disk(disk, size))
        host = stack.enter_context(mailhost())
        portal = Portal(
            data,
            LETTERLOCK_DATABASE_URL=f"sqlite:///{data / 'database' / 'letterlock.sqlite3'}",
            LETTERLOCK_RELAY_URL=host.url,
            LETTERLOCK_INSIDE_DOMAINS="aldervalley.example",
            **QUICK,
        )
        stack.enter_context(portal)
        yield Machine(data, portal, host, Ledger(portal, host))


@contextmanager
def full(disk: Path) -> Iterator[None]:
    filler = fill(disk)
    try:
        yield
    finally:
        filler.unlink()


def refused_at(machine: Machine, disk: Path, address: str) -> str:
    """The code that a mail is refused with once nothing more fits: a file may have had room of its own left."""

    def refused() -> str:
        fill(disk)
        return machine.ledger.hand_in(address, patience=0).refusal

    return str(wait_for(refused, 60, "A full disk takes mail for ever"))


def test_large_mail_waits_for_room_among_the_blobs_and_small_mail_does_not(machine: Machine) -> None:
    with full(machine.blobs):
        large = machine.ledger.hand_in("large@mail.example", large=True)
        assert large.ids, "the spool had room"
        machine.ledger.hand_in("small@mail.example")
        machine.told("small@mail.example")
        reason = "SELECT last_error, 0 FROM ingest_spooled WHERE id = ? AND last_error <> ''"
        until(lambda: machine.ask(reason, large.ids[0].replace("-", "")), 30, lambda: "it does not say why it waits")
        assert "No space left on device" in machine.ask(reason, large.ids[0].replace("-", ""))[0][0]
        assert not machine.mailhost.mailbox("large@mail.example").mails("notice")
        assert not list(machine.blobs.rglob("*.writing")), "what was begun in vain takes room for nothing"
    machine.told("large@mail.example")


def test_a_full_disk_of_the_database_refuses_for_now(machine: Machine) -> None:
    with Load(machine.ledger, clients=2) as load:
        load.goes_on()
        with full(machine.database):
            assert refused_at(machine, machine.database, "database@mail.example") == "451"
        load.goes_on()
    machine.until_well()
    machine.ledger.hand_in("after@mail.example")
    machine.told("after@mail.example")


def test_a_full_disk_of_spool_broker_keyring_and_logs_refuses_for_now(machine: Machine) -> None:
    with Load(machine.ledger, clients=2) as load:
        load.goes_on()
        with full(machine.data):
            assert refused_at(machine, machine.data, "everything@mail.example") == "451"
            # Whoever dies meanwhile says so into a log that has no room, and is started all the same.
            killed = {part: machine.portal.kill_part(part) for part in ("door", "worker-mail")}
            again = machine.portal.processes
            until(lambda: not killed.items() & again().items() and killed.keys() <= again().keys(), 30, lambda: "dead")
            assert refused_at(machine, machine.data, "everything@mail.example") == "451"
        load.goes_on()
    machine.until_well()
    machine.ledger.hand_in("thereafter@mail.example")
    machine.told("thereafter@mail.example")


def test_all_that_was_answered_250_is_readable(
    machine: Machine, record_property: Callable[[str, object], None]
) -> None:
    def on_their_way() -> dict[str, int]:
        found: dict[str, int] = {}
        for table in ("ingest_spooled", "delivery_outbound"):
            found |= dict(machine.ask(f"SELECT state, count(*) FROM {table} GROUP BY state"))  # noqa: S608 our own names
        return {state: number for state, number in found.items() if state in UNDER_WAY}

    until(lambda: not on_their_way(), 120, lambda: f"Still on their way: {on_their_way()}")
    marked = machine.ask("SELECT DISTINCT message, 0 FROM audit_entry WHERE json_extract(facts, '$.maybe_twice')")
    result = machine.ledger.settle([message for message, _ in marked])
    print(result)
    record_property("ledger", str(result))
    assert result.held == 0
    assert result.readable > 10
