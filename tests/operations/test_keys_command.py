"""`manage.py keys` as an operator uses it, with SQLite and a folder, and with PostgreSQL for both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.loaded import Loaded
from tests.servers import Portal, PostgreSQL

pytestmark = pytest.mark.servers
SEAL = """
from datetime import date, datetime, timedelta, UTC
from uuid import uuid4
from django.db import transaction
from branding.models import Brand
from portal.mime.addresses import Mailbox
from tests.mails import mail
from portal.ingest import pipeline, spool
raw = mail("[secure] Knee", "Good news.")
for _ in range(3):
    writer = spool.SpoolWriter.begin(spool.Envelope(sender="maya.lindqvist@aldervalley.example",
        recipients=("jonas.berg@mail.example",), source="smtp", trusted=True), len(raw))
    writer.write(raw)
    writer.commit()
pipeline.process()
from portal.vault.models import Message
print(Message.objects.count())
"""
SETTINGS = ("LETTERLOCK_DATABASE_URL", "LETTERLOCK_KEYRING_URL")
OPEN = """
from portal.vault.models import Reader
from portal.vault.opening import open_message
print(sorted({open_message(reader).toc.text.here.strip() for reader in Reader.objects.all()}))
"""


@pytest.fixture(scope="module", params=["folder", "postgresql"])
def sealed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """An installation that is prepared, and not running; three messages are sealed in it. Tests get copies of it."""
    folder = tmp_path_factory.mktemp("sealed")
    chosen = {"LETTERLOCK_DEMO": "off", "LETTERLOCK_INSIDE_DOMAINS": "aldervalley.example"}
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("_postgresql")
        for setting in SETTINGS:
            chosen[setting] = new_database(server.url, server.with_tables if "DATABASE" in setting else "template1")
    made = Loaded(folder / "data", **chosen)
    made.manage("prepare")
    assert made.manage("shell", "-v0", "-c", SEAL).stdout.split()[-1] == "3"
    made.manage("keys", "pair", str(folder / "r.pub"), str(folder / "r.key"))
    yield made
    made.unload()


@pytest.fixture
def portal(sealed: Portal, tmp_path: Path) -> Iterator[Portal]:
    """A copy of its own: folder, databases, and the pair of recovery keys beside them."""
    shutil.copytree(sealed.data.parent, tmp_path, dirs_exist_ok=True)
    settings = {name: value for name, value in sealed.environment.items() if name.startswith("LETTERLOCK_")}
    del settings["LETTERLOCK_DATA"], settings["LETTERLOCK_HTTP"], settings["LETTERLOCK_SMTP"]
    for setting in SETTINGS:
        if url := settings.get(setting):
            settings[setting] = new_database(url, url.rpartition("/")[2])
    copy = Loaded(tmp_path / "data", **settings)
    yield copy
    copy.unload()


def new_database(url: str, template: str = "template1") -> str:
    """The address of a new database on the server of `url`, like the template."""
    server, name = url.rpartition("/")[0], f"keys_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"{server}/{name}"


def opened(portal: Portal) -> str:
    return portal.manage("shell", "-v0", "-c", OPEN).stdout.strip()


def keys(portal: Portal, *arguments: str | Path, status: int = 0) -> str:
    done = portal.manage("keys", *map(str, arguments), check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_rotation_is_said_first_backed_up_then_done(portal: Portal, tmp_path: Path) -> None:
    recovery = tmp_path / "r.pub"
    said = keys(portal, "rotate")
    assert "1 epoch with 6 wraps to move" in said
    assert "Nothing was changed" in said
    assert "--without-backup" in keys(portal, "rotate", "--yes", status=1)
    assert "superseded" not in keys(portal, "status")
    done = keys(portal, "rotate", "--yes", "--backup", tmp_path / "b", "--recovery", recovery, "--rate", "100")
    assert "6 wraps moved" in done
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600
    status = keys(portal, "status")
    assert "is superseded, and kept for backups until" in status
    assert "The last backup of the keyring is of" in status
    assert "Wraps: 6 of 6 open." in keys(portal, "verify")
    assert opened(portal) == "['Good news.']"


def test_the_root_key_is_renewed(portal: Portal) -> None:
    root = portal.data / "root.key"
    before = root.read_bytes()
    assert "Nothing was changed" in keys(portal, "rotate", "--root")
    assert root.read_bytes() == before
    assert "Back up the new root key" in keys(portal, "rotate", "--root", "--yes")
    assert root.read_bytes() != before
    keys(portal, "verify")
    assert opened(portal) == "['Good news.']"
    root.write_bytes(before)
    assert "another root key" in keys(portal, "status", status=1)


def test_a_lost_keyring_comes_back_from_its_backup(portal: Portal, tmp_path: Path) -> None:
    backup, private = tmp_path / "b", tmp_path / "r.key"
    keys(portal, "backup", backup, "--to", tmp_path / "r.pub")
    assert "already" in keys(portal, "backup", backup, "--to", tmp_path / "r.pub", status=1)
    assert "There is a keyring" in keys(portal, "restore", backup, "--with", private, "--yes", status=1)
    lose(portal)
    assert "cannot be opened" in keys(portal, "status", status=1)
    assert "Nothing was changed" in keys(portal, "restore", backup, "--with", private)
    assert "cannot be opened" in keys(portal, "status", status=1)
    assert "The keyring is back" in keys(portal, "restore", backup, "--with", private, "--yes")
    assert "Wraps: 6 of 6 open." in keys(portal, "verify")
    assert opened(portal) == "['Good news.']"


def test_a_backup_that_lacks_keys_in_use_is_refused_and_never_made_up_for(portal: Portal, tmp_path: Path) -> None:
    backup, private = tmp_path / "b", tmp_path / "r.key"
    keys(portal, "backup", backup, "--to", tmp_path / "r.pub")
    keys(portal, "rotate", "--yes", "--without-backup")
    lose(portal)
    assert "Add --yes --even-old to do it." in keys(portal, "restore", backup, "--with", private)
    assert "--even-old" in keys(portal, "restore", backup, "--with", private, "--yes", status=1)
    assert "cannot be opened" in keys(portal, "status", status=1)
    keys(portal, "restore", backup, "--with", private, "--yes", "--even-old")
    portal.manage("prepare")
    assert "6 are of messages that should be open, but their keys are destroyed" in keys(portal, "verify", status=1)
    assert portal.manage("shell", "-v0", "-c", SEAL).stdout.split()[-1] == "6"
    assert "Wraps: 6 of 12 open." in keys(portal, "verify", status=1)


def test_an_epoch_with_open_messages_is_destroyed_only_when_that_is_said(portal: Portal) -> None:
    keys(portal, "rotate", "--yes", "--without-backup")
    objects = [line.split()[0].rstrip(",") for line in keys(portal, "status", "--all").splitlines() if "epoch-" in line]
    newest = next(name for name in objects if name.endswith(".1")).removeprefix("epoch-")
    old = newest.removesuffix(".1") + ".0"
    assert "0 messages that are open" in keys(portal, "destroy", old, "--yes")
    assert "no such epoch" in keys(portal, "destroy", old, "--yes", status=1)
    assert "Nothing was changed" in keys(portal, "destroy", newest)
    assert "--with-messages" in keys(portal, "destroy", newest, "--yes", status=1)
    assert opened(portal) == "['Good news.']"
    assert "3 messages that are open" in keys(portal, "destroy", newest, "--yes", "--with-messages")
    assert "their keys are destroyed" in keys(portal, "verify", status=1)


def lose(portal: Portal) -> None:
    """The keyring is gone, and the root key with it, as after the loss of a host."""
    (portal.data / "root.key").unlink()
    address = portal.environment.get("LETTERLOCK_KEYRING_URL")
    if address is None:
        (portal.data / "keyring").rename(portal.data / "lost")
        return
    with psycopg.connect(address) as connection:
        connection.execute("DROP TABLE letterlock_keyring")
