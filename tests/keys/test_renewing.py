"""A new root key: everything opens under it, nothing under the old one, and kill -9 anywhere loses nothing."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from portal.keys.errors import KeyringForeign
from portal.keys.keyring import FolderKeyring
from portal.keys.provider import LocalFile
from portal.keys.renewing import renew_root, under_older
from tests.keys.test_keyring import in_child, killed_everywhere

NAMES = ["one", "secrets", "two"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root.key"


@pytest.fixture
def keyring(tmp_path: Path, root: Path) -> FolderKeyring:
    made = FolderKeyring(tmp_path / "keyring", LocalFile.create(root))
    made.initialise(b"anchor")
    made.create("one", b"1")
    made.create("two", b"2")
    return made


def renewed(keyring: FolderKeyring, root: Path) -> int:
    steps: list[int] = []
    assert renew_root(LocalFile(root), keyring, lambda: steps.append(1), settle_seconds=0)
    return len(steps)


def contents(keyring: FolderKeyring) -> list[bytes]:
    return [keyring.read(name)[1] for name in NAMES]


def test_every_object_is_sealed_anew_and_the_old_root_key_opens_none(
    keyring: FolderKeyring, root: Path, tmp_path: Path
) -> None:
    old = root.read_bytes()
    assert renewed(keyring, root) == 3
    assert contents(keyring) == [b"1", b"anchor", b"2"]
    assert root.read_bytes() != old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keyring", "root.key"]
    stolen = tmp_path / "stolen.key"
    stolen.write_bytes(old)
    stolen.chmod(0o600)
    for name in NAMES:
        with pytest.raises(KeyringForeign):
            FolderKeyring(tmp_path / "keyring", LocalFile(stolen)).read(name)


def test_an_old_copy_of_the_keyring_opens_no_more(keyring: FolderKeyring, root: Path, tmp_path: Path) -> None:
    old_copy = tmp_path / "copy"
    old_copy.mkdir()
    for path in (tmp_path / "keyring").iterdir():
        (old_copy / path.name).write_bytes(path.read_bytes())
    assert FolderKeyring(old_copy, LocalFile(root)).read("one") == (1, b"1")
    renewed(keyring, root)
    with pytest.raises(KeyringForeign):
        FolderKeyring(old_copy, LocalFile(root)).read("one")


def test_the_old_root_keys_bytes_are_overwritten(keyring: FolderKeyring, root: Path) -> None:
    with root.open("rb") as held:
        renewed(keyring, root)
        assert held.read() == bytes(32)


def test_while_it_lasts_old_and_new_objects_open_and_new_ones_are_under_the_new_key(
    keyring: FolderKeyring, root: Path
) -> None:
    provider = LocalFile(root)
    provider.renew()
    assert provider.renewing()
    keyring.create("three", b"3")
    keyring.replace("one", b"1", expected=1)
    assert under_older(provider, keyring) == ["secrets", "two"]
    assert contents(keyring) == [b"1", b"anchor", b"2"]
    assert renewed(keyring, root) == 2
    assert not provider.renewing()
    assert keyring.read("three") == (1, b"3")


def test_kill_9_anywhere_loses_nothing_and_the_next_run_finishes(keyring: FolderKeyring, root: Path) -> None:
    def check(finished: bool) -> None:
        assert contents(keyring) == [b"1", b"anchor", b"2"]
        assert LocalFile(root).renewing() or under_older(LocalFile(root), keyring) == []

    assert killed_everywhere(lambda: None, lambda: renewed(keyring, root), check) > 5
    assert not LocalFile(root).renewing()
    assert sorted(path.name for path in root.parent.iterdir()) == ["keyring", "root.key"]


def test_kill_9_between_the_last_two_renames_does_not_overwrite_the_living_key(
    keyring: FolderKeyring, root: Path
) -> None:
    provider = LocalFile(root)

    def killed_before_the_rename() -> None:
        Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment,method-assign,return-value]
        provider.retire()

    provider.renew()
    assert in_child(killed_before_the_rename) == -signal.SIGKILL
    assert contents(keyring) == [b"1", b"anchor", b"2"]
    assert renewed(keyring, root) == 3
    assert contents(keyring) == [b"1", b"anchor", b"2"]


def test_readers_and_writers_at_work_meanwhile_notice_nothing(keyring: FolderKeyring, root: Path) -> None:
    done = threading.Event()
    failures: list[BaseException] = []

    def read() -> None:
        while not done.is_set():
            try:
                assert contents(keyring) == [b"1", b"anchor", b"2"]
            except BaseException as failure:
                failures.append(failure)
                return

    def write() -> None:
        for number in range(40):
            keyring.create(f"new-{number}", b"%d" % number)

    threads = [threading.Thread(target=read), threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        assert renew_root(LocalFile(root), keyring, lambda: None, settle_seconds=0.1)
    threads[1].join()
    done.set()
    threads[0].join()
    assert failures == []
    assert renew_root(LocalFile(root), keyring, lambda: None, settle_seconds=0.1)
    assert [keyring.read(f"new-{number}")[1] for number in range(40)] == [b"%d" % number for number in range(40)]
