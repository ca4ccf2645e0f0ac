"""The first start makes keys, tables and an administrator; a later one makes nothing that would hide a loss."""

from __future__ import annotations

import hashlib
import re
import shutil
import smtplib
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import MANAGE, Portal, listens, wait_for


@pytest.fixture
def fresh(tmp_path: Path) -> Portal:
    """Settings and folder of a portal that was never started; it has no key and no row."""
    return Portal(tmp_path / "data", LETTERLOCK_DEMO="off")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_keeps_everything_to_its_user(tmp_path: Path) -> None:
    fresh = Portal(tmp_path / "data", ready=False, LETTERLOCK_DEMO="off")
    fresh.manage("prepare")
    assert mode(fresh.data) == 0o700
    assert mode(fresh.data / "root.key") == 0o600
    assert (fresh.data / "root.key").stat().st_size == 32
    assert mode(fresh.data / "letterlock.sqlite3") == 0o600
    assert all(mode(path) & 0o077 == 0 for path in (fresh.data / "keyring").iterdir())


def test_the_administrators_link_is_printed_once_and_only_its_digest_is_kept(fresh: Portal) -> None:
    said = fresh.manage("prepare").stdout
    found = re.search(r"/admin/enter/([A-Za-z0-9_-]{43})\b", said)
    assert found
    database = (fresh.data / "letterlock.sqlite3").read_bytes()
    assert found[1].encode() not in database
    assert hashlib.sha256(found[1].encode()).digest() in database
    assert "/admin/enter/" not in fresh.manage("prepare").stdout


def test_preparing_again_changes_no_key(fresh: Portal) -> None:
    fresh.manage("prepare")
    before = {path.name: path.read_bytes() for path in (fresh.data / "keyring").iterdir()}
    root = (fresh.data / "root.key").read_bytes()
    fresh.manage("prepare")
    assert (fresh.data / "root.key").read_bytes() == root
    assert {path.name: path.read_bytes() for path in (fresh.data / "keyring").iterdir()} == before


def test_it_refuses_a_keyring_without_its_root_key(fresh: Portal) -> None:
    fresh.manage("prepare")
    (fresh.data / "root.key").unlink()
    refused = fresh.manage("prepare", check=False)
    assert refused.returncode == 1
    assert "root key" in refused.stderr
    assert "LETTERLOCK_KEY_URL" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (fresh.data / "root.key").exists()


def test_it_refuses_a_used_database_without_a_keyring(fresh: Portal) -> None:
    fresh.manage("prepare")
    shutil.rmtree(fresh.data / "keyring")
    for root_key in (True, False):
        if not root_key:
            (fresh.data / "root.key").unlink()
        refused = fresh.manage("prepare", check=False)
        assert refused.returncode == 1
        assert "LETTERLOCK_KEYRING_URL" in refused.stderr
        assert not (fresh.data / "keyring").exists()


def test_a_start_that_was_cut_after_the_root_key_goes_on(fresh: Portal) -> None:
    fresh.manage("prepare")
    shutil.rmtree(fresh.data / "keyring")
    (fresh.data / "letterlock.sqlite3").unlink()
    root = (fresh.data / "root.key").read_bytes()
    fresh.manage("prepare")
    assert (fresh.data / "root.key").read_bytes() == root


def test_a_root_key_that_others_may_read_is_refused(fresh: Portal) -> None:
    fresh.manage("prepare")
    (fresh.data / "root.key").chmod(0o644)
    refused = fresh.manage("prepare", check=False)
    assert refused.returncode == 1
    assert "chmod 600" in refused.stderr


def test_the_default_brand_has_the_host_of_the_public_address(tmp_path: Path) -> None:
    portal = Portal(
        tmp_path / "data",
        LETTERLOCK_PUBLIC_URL="https://secure.example.org",
        LETTERLOCK_RELAY_URL="smtp://mail.example.org:25",
    )
    assert "https://secure.example.org/admin/enter/" in portal.manage("prepare").stdout
    with sqlite3.connect(portal.data / "letterlock.sqlite3", timeout=60) as database:
        found = database.execute("SELECT host FROM branding_brand WHERE is_default").fetchall()
    assert found == [("secure.example.org",)]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"LETTERLOCK_PUBLIC_URL": "https://secure.example.org"}, "LETTERLOCK_RELAY_URL"),
        (
            {"LETTERLOCK_PUBLIC_URL": "http://secure.example.org", "LETTERLOCK_RELAY_URL": "smtp://mail.example.org"},
            "https",
        ),
        (
            {
                "LETTERLOCK_PUBLIC_URL": "https://secure.example.org",
                "LETTERLOCK_RELAY_URL": "smtp://mail.example.org",
                "LETTERLOCK_DEMO": "on",
            },
            "LETTERLOCK_DEMO",
        ),
    ],
)
def test_a_public_address_needs_relay_https_and_no_demo(tmp_path: Path, settings: dict[str, str], named: str) -> None:
    refused = Portal(tmp_path / "data", **settings).manage("up", check=False)
    assert refused.returncode == 1
    assert named in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("setting", ["LETTERLOCK_HTTP", "LETTERLOCK_SMTP"])
def test_a_taken_port_is_named_with_the_setting_that_changes_it(fresh: Portal, setting: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        fresh.environment[setting] = f"127.0.0.1:{port}"
        refused = fresh.manage("up", check=False)
    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"Port {port} ({setting}) is in use by another program. Choose another: {setting}=127.0.0.1:{port + 1} make run"
    )


def test_a_database_that_is_away_is_said_in_one_sentence(fresh: Portal) -> None:
    fresh.environment["LETTERLOCK_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    refused = fresh.manage("prepare", check=False)
    assert refused.returncode == 1
    assert "LETTERLOCK_DATABASE_URL" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_door_takes_mail_where_no_secret_key_can_be_opened(fresh: Portal) -> None:
    fresh.manage("prepare")
    (fresh.data / "root.key").unlink()
    for secret in (fresh.data / "keyring").glob("*.key"):
        secret.unlink()
    with subprocess.Popen([sys.executable, MANAGE, "door"], env=fresh.environment, stderr=subprocess.PIPE) as door:
        try:
            wait_for(lambda: listens(fresh.smtp_port), 30, "The door did not open")
            with smtplib.SMTP("127.0.0.1", fresh.smtp_port, timeout=20) as line:
                refused = line.sendmail(
                    "maya@aldervalley.example", ["jonas@mail.example"], b"Subject: [secure] x\r\n\r\ny\r\n"
                )
            assert refused == {}
        finally:
            door.terminate()
    assert len([file for file in (fresh.data / "spool").iterdir() if not file.name.startswith(".")]) == 1
