"""Backups of the keyring: they hold all of it, and open with the recovery key and unchanged, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.keys.backup import back_up, made_at, open_backup
from portal.keys.errors import BackupRefused, WrapRefused
from portal.keys.keyring import FolderKeyring
from portal.keys.provider import LocalFile
from portal.keys.recovery import RecoveryPrivate

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def keyring(tmp_path: Path) -> FolderKeyring:
    made = FolderKeyring(tmp_path / "keyring", LocalFile.create(tmp_path / "root.key"))
    made.initialise(b"the anchor's bytes")
    made.create("door", b"the private half")
    made.publish("door", b"shown")
    made.create("dead", b"what was destroyed")
    made.destroy("dead", expected=1)
    return made


def test_a_backup_makes_the_same_keyring_under_another_root_key(keyring: FolderKeyring, tmp_path: Path) -> None:
    recovery = RecoveryPrivate.generate()
    stored = back_up(keyring, recovery.public(), NOW)
    backup = open_backup(stored, recovery)
    assert made_at(stored) == backup.made_at == NOW
    again = FolderKeyring(tmp_path / "again", LocalFile.create(tmp_path / "another.key"))
    again.initialise(backup.anchor, backup.rest)
    assert again.names() == keyring.names() == ["door", "secrets"]
    assert again.gone() == ["dead"]
    assert again.read("secrets")[1] == b"the anchor's bytes"
    assert again.read("door")[1] == b"the private half"
    assert again.public("door") == b"shown"


def test_a_backup_shows_nothing_and_its_opened_form_says_nothing(keyring: FolderKeyring) -> None:
    recovery = RecoveryPrivate.generate()
    stored = back_up(keyring, recovery.public(), NOW)
    for secret in (b"private half", b"anchor", b"dead", b"door"):
        assert secret not in stored
        assert secret.decode() not in repr(open_backup(stored, recovery))


def test_every_byte_of_it_counts(keyring: FolderKeyring) -> None:
    recovery = RecoveryPrivate.generate()
    stored = back_up(keyring, recovery.public(), NOW)
    for at in [*range(0, 31), 40, 1000, 1140, 1160, len(stored) - 1]:
        changed = bytearray(stored)
        changed[at] ^= 0x01
        with pytest.raises((BackupRefused, WrapRefused)):
            open_backup(bytes(changed), recovery)
    for wrong in (b"", stored[:5], stored[:40], stored[:-1], stored + b"\0"):
        with pytest.raises((BackupRefused, WrapRefused)):
            open_backup(wrong, recovery)


def test_another_recovery_key_does_not_open_it(keyring: FolderKeyring) -> None:
    stored = back_up(keyring, RecoveryPrivate.generate().public(), NOW)
    with pytest.raises(WrapRefused):
        open_backup(stored, RecoveryPrivate.generate())
