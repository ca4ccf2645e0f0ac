"""docs/backup-restore.md, word for word: backup and restore are run as they stand, everything lost between."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import parts
from tests.servers import ROOT, S3, Portal, PostgreSQL

pytestmark = pytest.mark.servers
SMALL, LARGE = 2_000, 700_000
"""In the message's row, and in the blob store."""


def block(name: str) -> str:
    """The shell lines that the page gives under a name."""
    page = (ROOT / "docs" / "backup-restore.md").read_text()
    (found,) = re.findall(rf"^```sh {name}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(found)


class Site:
    """An installation, and an operator's shell on its host."""

    def __init__(self, folder: Path, portal: Portal, **variables: str) -> None:
        self.portal, self.folder = portal, folder
        programs = folder / "bin"
        programs.mkdir()
        (programs / "manage.py").write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/manage.py "$@"\n')
        (programs / "manage.py").chmod(0o755)
        self.environment = {
            # rclone takes no other list of authorities from this variable, and needs none here.
            **{name: value for name, value in portal.environment.items() if name != "AWS_CA_BUNDLE"},
            "PATH": f"{programs}:{parts.postgresql_folder()}:{os.environ['PATH']}",
            "BACKUP": str(folder / "backup"), "KEYRING_BACKUP": str(folder / "safe"), "RECOVERY": str(folder),
            "RCLONE_CONFIG": str(folder / "rclone.conf"), **variables,
        }  # fmt: skip

    def shell(self, lines: str) -> str:
        done = subprocess.run(
            ["sh", "-c", lines], env=self.environment, capture_output=True, text=True, timeout=1200, cwd=self.folder
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, *steps: list[object]) -> list[Any]:
        done = subprocess.run(
            [sys.executable, ROOT / "tests" / "promises" / "vaults.py", json.dumps(steps)],
            env={**self.portal.environment, "PYTHONPATH": str(ROOT)}, cwd=ROOT, capture_output=True, timeout=1200,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        answers: list[Any] = json.loads(done.stdout)
        return answers


class Hosts(Site):
    """On PostgreSQL and a bucket."""

    def __init__(self, folder: Path, postgresql: PostgreSQL, s3: S3) -> None:
        messages = postgresql.url
        postgresql.new_database()
        self.databases = [url.rpartition("/")[2] for url in (messages, postgresql.url)]
        self.server, self.key = postgresql, folder / "keys" / "root.key"
        self.key.parent.mkdir()
        portal = Portal(
            folder / "data", **S3.environment, LETTERLOCK_DEMO="off", LETTERLOCK_KEY_URL=f"file:{self.key}",
            LETTERLOCK_DATABASE_URL=messages, LETTERLOCK_KEYRING_URL=postgresql.url,
            LETTERLOCK_BLOB_URL=s3.url.replace("/blobs?", "/restore/blobs?"),
            LETTERLOCK_SPOOL_URL=s3.url.replace("/blobs?", "/restore/spool?"),
        )  # fmt: skip
        super().__init__(
            folder, portal, MESSAGES_URL=messages, KEYRING_URL=postgresql.url,
            BLOBS=f"letters:{s3.bucket}/restore/blobs", RCLONE_CONFIG_LETTERS_TYPE="s3",
            RCLONE_CONFIG_LETTERS_PROVIDER="Other", RCLONE_CONFIG_LETTERS_ENV_AUTH="true",
            RCLONE_CONFIG_LETTERS_ENDPOINT=s3.endpoint, RCLONE_CONFIG_LETTERS_REGION="eu-north-1",
        )  # fmt: skip

    def lose_everything(self) -> None:
        self.shell('rclone purge "$BLOBS"')
        self.key.unlink()
        with psycopg.connect(self.server.url.rpartition("/")[0] + "/postgres", autocommit=True) as line:
            for name in self.databases:
                line.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
                line.execute(f'CREATE DATABASE "{name}"')


class OneMachine(Site):
    """On SQLite and folders, with the root key in the data folder."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.database = self.data / "letterlock.sqlite3"
        super().__init__(folder, Portal(self.data, LETTERLOCK_DEMO="off"), DATA=str(self.data))
        (folder / "safe").mkdir()

    def lose_everything(self, found: dict[Path, bytes]) -> None:
        """All but what a machine that went down left beside the database."""
        for path in self.data.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path, content in found.items():
            path.write_bytes(content)


def test_all_that_lived_opens_after_everything_was_lost(tmp_path: Path, postgresql: PostgreSQL, s3: S3) -> None:
    parts.need("rclone")
    site = Hosts(tmp_path, postgresql, s3)
    site.portal.manage("prepare")
    site.portal.manage("keys", "pair", str(tmp_path / "recovery.pub"), str(tmp_path / "recovery.key"))
    small, large, dead = site.ask(["seal", "small", SMALL], ["seal", "large", LARGE], ["seal", "dead", LARGE])
    site.portal.manage("withdraw", dead, "--reason", "Wrong person", "--now")
    before = site.ask(["open"])[0]
    assert set(before[dead].values()) == {"KeyDestroyed"}
    assert all(len(told) == 64 for id_ in (small, large) for told in before[id_].values())

    site.shell(block("backup"))
    backup = {path.name for path in (tmp_path / "backup").rglob("*") if path.is_file()}
    assert "messages.dump" in backup and len(backup) >= 2
    assert len(list((tmp_path / "safe").iterdir())) == 1
    site.lose_everything()
    told = site.shell(block("restore"))
    assert "The database is of this version." in told
    assert site.ask(["open"])[0] == before


def test_so_it_does_on_one_machine_where_a_log_of_the_lost_database_is_left(tmp_path: Path) -> None:
    parts.need("rclone", "sqlite3")
    site = OneMachine(tmp_path)
    site.portal.manage("prepare")
    with contextlib.closing(sqlite3.connect(site.database, isolation_level=None)) as part:
        # As a part that runs and reads: what is written from here on stays in the log, and the file lacks it.
        part.execute("BEGIN")
        part.execute("SELECT count(*) FROM django_migrations").fetchall()
        site.portal.manage("keys", "pair", str(tmp_path / "recovery.pub"), str(tmp_path / "recovery.key"))
        *_, before = site.ask(["seal", "small", SMALL], ["seal", "large", LARGE], ["open"])
        assert all(len(digest) == 64 for told in before.values() for digest in told.values())
        site.shell(block("backup-folders"))
        log = {
            path: path.read_bytes() for path in (site.data / f"{site.database.name}-{end}" for end in ("wal", "shm"))
        }
    assert all(log.values())
    site.lose_everything(log)
    told = site.shell(block("restore-folders"))
    assert "The database is of this version." in told
    assert site.ask(["open"])[0] == before
