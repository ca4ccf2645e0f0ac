"""P6: what is withdrawn or closed opens from no backup of database and blobs, and everything else in it still does."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests import parts
from tests.loaded import Loaded
from tests.mails import JONAS, KARIN
from tests.servers import ROOT, PostgreSQL

pytestmark = pytest.mark.servers
SMALL, LARGE = 2_000, 700_000
"""In the message's row, and in the blob store."""
GONE = "KeyDestroyed"


class Installation:
    """Database and blobs in one folder, keyring and root key in another, which no backup of the first holds."""

    made: ClassVar[list[Installation]] = []
    """Since `end_all` was called."""

    def __init__(self, data: Path, keyring: Path, database: str = "") -> None:
        self.data = data
        self.database = database
        settings = {"LETTERLOCK_DATABASE_URL": database} if database else {}
        self._asked: subprocess.Popen[str] | None = None
        self.portal = Loaded(
            data,
            LETTERLOCK_DEMO="off",
            LETTERLOCK_INSIDE_DOMAINS="aldervalley.example",
            LETTERLOCK_KEYRING_URL=f"file://{keyring}/keyring",
            LETTERLOCK_KEY_URL=f"file:{keyring}/root.key",
            **settings,
        )
        Installation.made.append(self)

    @classmethod
    def end_all(cls) -> None:
        """End the processes that were asked."""
        while cls.made:
            one = cls.made.pop()
            one.portal.unload()
            if one._asked is not None:
                one._asked.communicate(timeout=120)

    def ask(self, *steps: list[object]) -> list[Any]:
        """What tests/promises/vaults.py answers to each step; the process holds no opened key from before."""
        errors = self.data.parent / f"{self.data.name}.errors.txt"
        if self._asked is None:
            with errors.open("w") as file:
                self._asked = subprocess.Popen(
                    [sys.executable, ROOT / "tests" / "promises" / "vaults.py"],
                    env={**self.portal.environment, "PYTHONPATH": str(ROOT)}, cwd=ROOT, text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file,
                )  # fmt: skip
        assert self._asked.stdin is not None and self._asked.stdout is not None
        print(json.dumps(steps), file=self._asked.stdin, flush=True)
        answer = self._asked.stdout.readline()
        assert answer, errors.read_text()
        answers: list[Any] = json.loads(answer)
        return answers

    def opened(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = self.ask(["open"])[0]
        return found

    def backup(self, to: Path, server: Dumped | None) -> None:
        """As an operator makes one: a dump or copy of the database, then the blobs."""
        to.mkdir()
        if server is None:
            for file in self.data.glob("letterlock.sqlite3*"):
                shutil.copy2(file, to)
        else:
            (to / "dump").write_bytes(server.dump(self.database.rpartition("/")[2]))
        (self.data / "blobs").mkdir(exist_ok=True)  # small messages alone make none
        shutil.copytree(self.data / "blobs", to / "blobs")

    def restored(self, backup: Path, to: Path, keyring: Path, server: Dumped | None) -> Installation:
        """Another installation from that backup, with the keyring of today."""
        to.mkdir()
        shutil.copytree(backup / "blobs", to / "blobs")
        database = ""
        if server is None:
            for file in backup.glob("letterlock.sqlite3*"):
                shutil.copy2(file, to)
        else:
            database = server.url.rpartition("/")[0] + "/" + server.restore((backup / "dump").read_bytes())
        return Installation(to, keyring, database)


class Dumped:
    """A database on a PostgreSQL that is dumped and restored by its own programs."""

    def __init__(self, server: PostgreSQL) -> None:
        self._server = server
        self.url = server.url
        self._name = self.url.rpartition("/")[2]
        self._copies = 0

    def dump(self, name: str) -> bytes:
        return self._client("pg_dump", "-Fc", name)

    def restore(self, dump: bytes) -> str:
        """The name of the new database."""
        self._copies += 1
        name = f"{self._name}_copy{self._copies}"
        self._client("createdb", name)
        self._client("pg_restore", "--exit-on-error", "-d", name, stdin=dump)
        return name

    def _client(self, program: str, *arguments: str, stdin: bytes = b"") -> bytes:
        server = ["-h", "127.0.0.1", "-p", str(self._server.port), "-U", "postgres"]
        programs = parts.postgresql_folder()
        assert programs is not None
        return subprocess.run(
            [programs / program, *server, *arguments], input=stdin, capture_output=True, check=True
        ).stdout


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    """Nothing that was asked in a test outlives it."""
    yield
    Installation.end_all()


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Dumped | None:
    return None if request.param == "sqlite" else Dumped(request.getfixturevalue("postgresql"))


def sha(subject: str, size: int) -> str:
    return hashlib.sha256(random.Random(subject).randbytes(size)).hexdigest()


def both(told: str) -> dict[str, str]:
    return {JONAS: told, KARIN: told}


def test_backups_open_what_lives_and_nothing_that_died(tmp_path: Path, server: Dumped | None) -> None:
    keyring = tmp_path / "keyring"
    keyring.mkdir()
    here = Installation(tmp_path / "data", keyring, server.url if server else "")
    here.portal.manage("prepare")
    sizes = dict.fromkeys(("lives", "withdrawn", "shared", "extended", "held", "both", "ends", "narrowed"), SMALL)
    sizes |= dict.fromkeys(("lives-large", "withdrawn-large", "shared-large"), LARGE)
    ids = dict(zip(sizes, here.ask(*(["seal", name, size] for name, size in sizes.items())), strict=True))
    everything = {id_: both(sha(name, sizes[name])) for name, id_ in ids.items()}

    here.backup(tmp_path / "first", server)
    longer = ("lives", "lives-large", "withdrawn-large", "shared", "shared-large", "both", "narrowed")
    here.ask(*(["extend", ids[name], 400] for name in longer))
    here.ask(["extend", ids["extended"], None], ["extend", ids["both"], None])
    here.portal.manage("hold", ids["held"])
    here.backup(tmp_path / "extended", server)
    here.ask(["rotate"])
    here.backup(tmp_path / "rotated", server)
    copies = {
        name: here.restored(tmp_path / name, tmp_path / f"{name}-restored", keyring, server)
        for name in ("first", "extended", "rotated")
    }
    for installation in (here, *copies.values()):
        assert installation.opened() == everything

    here.portal.manage("withdraw", ids["withdrawn"], "--reason", "Wrong person", "--now")
    here.portal.manage("withdraw", ids["withdrawn-large"], "--reason", "Wrong person")
    here.portal.manage("withdraw", ids["both"], "--reason", "Wrong file", "--now")
    for name in ("shared", "shared-large"):
        here.portal.manage("withdraw", ids[name], "--reader", KARIN, "--reason", "Left", "--now")
    # What may be less than before opens no copy that still says more, and opens here.
    here.portal.manage("rights", ids["narrowed"], "--no-download", "--reader", KARIN)
    narrowed = {ids["narrowed"]: both(sha("narrowed", SMALL))}
    here.ask(["due", 0.02])  # half an hour on: the time to undo is over
    lives = {
        **everything,
        **{ids[name]: both(GONE) for name in ("withdrawn", "withdrawn-large", "both")},
        ids["shared"]: {JONAS: sha("shared", SMALL), KARIN: GONE},
        ids["shared-large"]: {JONAS: sha("shared-large", LARGE), KARIN: GONE},
        ids["narrowed"]: {JONAS: sha("narrowed", SMALL), KARIN: GONE},
    }
    for name, copy in copies.items():
        assert copy.opened() == lives, name

    # The day is over that all of them were to close on at first: what was extended or held lives, in every copy.
    here.ask(["due", 32])
    lives[ids["ends"]] = both(GONE)
    for name, copy in copies.items():
        assert copy.opened() == lives, name
    assert here.opened() == lives | narrowed
    assert len(blobs(here.data)) < len(blobs(tmp_path / "first"))

    # Copies that are too old to be kept by then lose what only they would need.
    here.ask(["due", 70])
    assert here.opened() == lives | narrowed
    assert {told for found in copies["first"].opened().values() for told in found.values()} == {GONE}


def blobs(folder: Path) -> set[str]:
    return {path.name for path in (folder / "blobs").rglob("*") if path.is_file()}


def test_a_restored_copy_shows_what_died_as_gone_and_can_be_put_in_order(tmp_path: Path) -> None:
    keyring = tmp_path / "keyring"
    keyring.mkdir()
    here = Installation(tmp_path / "data", keyring)
    here.portal.manage("prepare")
    dead, living = here.ask(["seal", "dead", SMALL], ["seal", "living", SMALL])
    here.backup(tmp_path / "copy", None)
    here.portal.manage("withdraw", dead, "--reason", "Wrong person", "--now")
    copy = here.restored(tmp_path / "copy", tmp_path / "again", keyring, None)
    assert copy.opened() == {dead: both(GONE), living: both(sha("living", SMALL))}
    refused = here.portal.manage("undo", dead, check=False)
    assert refused.returncode == 1 and "Nothing brings it back" in refused.stderr
    assert "(withdrawn)" in here.portal.manage("trace", dead).stdout
    assert "Wrong person" not in here.portal.manage("trace", dead).stdout
    # In the copy it is withdrawn again, with keys that are dead already.
    done = copy.portal.manage("withdraw", dead, "--reason", "Wrong person", "--now")
    assert "Withdrawn and destroyed" in done.stdout
