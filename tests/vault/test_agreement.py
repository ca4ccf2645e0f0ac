"""A keyring that is missing, damaged, older than the database or another installation's: each says so, in words."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mails import MAYA, mail
from tests.promises.test_p6_gone_means_gone import Installation

pytestmark = pytest.mark.servers


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    """An installation with one sealed message."""
    keyring = tmp_path / "keys"
    keyring.mkdir()
    made = Installation(tmp_path / "data", keyring)
    made.portal.manage("prepare")
    made.ask(["seal", "one", 100])
    yield made
    Installation.end_all()


def refusal(installation: Installation) -> str:
    """What a start says that is refused."""
    done = installation.portal.manage("prepare", check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and MAYA not in done.stderr
    return done.stderr.strip()


def test_each_keyring_that_does_not_fit_has_a_sentence_of_its_own(here: Installation, tmp_path: Path) -> None:
    keyring, root = tmp_path / "keys" / "keyring", tmp_path / "keys" / "root.key"
    good = tmp_path / "good"
    shutil.copytree(tmp_path / "keys", good)
    names = {path.name for path in keyring.iterdir()}
    told = {}

    shutil.rmtree(keyring)
    told["missing"] = refusal(here)
    assert not keyring.exists()

    shutil.copytree(good / "keyring", keyring)
    content = bytearray((keyring / "secrets.key").read_bytes())
    content[20] ^= 1
    (keyring / "secrets.key").write_bytes(content)
    told["damaged"] = refusal(here)

    shutil.rmtree(keyring)
    shutil.copytree(good / "keyring", keyring)
    [epoch] = used_epochs(here)
    (keyring / f"epoch-{epoch}.key").unlink()
    told["older"] = refusal(here)
    assert not (keyring / f"epoch-{epoch}.key").exists()

    other = Installation(tmp_path / "other-data", tmp_path / "other-keys")
    (tmp_path / "other-keys").mkdir()
    other.portal.manage("prepare")
    shutil.rmtree(keyring)
    shutil.copytree(tmp_path / "other-keys" / "keyring", keyring)
    told["other root"] = refusal(here)
    shutil.copy2(tmp_path / "other-keys" / "root.key", root)
    told["other installation"] = refusal(here)

    assert {state: sentence.partition(".")[0] for state, sentence in told.items()} == {
        "missing": "The keyring is missing, but the database is in use",
        "damaged": "A keyring object is damaged",
        "older": "The keyring lacks a key that messages here are wrapped under: "
        "restore its newest copy, then try again",
        "other root": "The keyring belongs to another root key",
        "other installation": "The keyring belongs to another installation than this database",
    }
    # And with its own keyring back everything is as it was.
    for folder in (keyring, root.parent):
        shutil.rmtree(folder)
    shutil.copytree(good, tmp_path / "keys")
    here.portal.manage("prepare")
    assert names <= {path.name for path in keyring.iterdir()}
    assert [len(told) for told in here.opened().values()] == [2]


def used_epochs(installation: Installation) -> list[str]:
    import sqlite3

    with sqlite3.connect(installation.data / "letterlock.sqlite3", timeout=60) as database:
        return [name for (name,) in database.execute("SELECT DISTINCT epoch FROM vault_epoch")]


def test_mail_is_held_while_the_keyring_lacks_the_epoch_of_its_day(here: Installation, tmp_path: Path) -> None:
    [epoch] = used_epochs(here)
    path = tmp_path / "keys" / "keyring" / f"epoch-{epoch}.key"
    content = path.read_bytes()
    path.unlink()
    letter = tmp_path / "two.eml"
    letter.write_bytes(mail("[secure] Two", "Dear Jonas."))
    id_ = here.portal.manage("ingest", str(letter)).stdout.strip()
    here.ask(["process"])
    held = here.portal.trace(id_)
    assert held["state"] == "received" and "lacks a key" in held["last_error"]
    assert not path.exists()
    path.write_bytes(content)
    assert len(here.opened()) == 1
