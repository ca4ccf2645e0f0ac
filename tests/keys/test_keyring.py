"""The keyring folder: what it refuses, what survives kill -9, and writers at once."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.keys.errors import (
    KeyDestroyed,
    KeyringDamaged,
    KeyringForeign,
    KeyringMissing,
    ProviderUnavailable,
    VersionConflict,
)
from portal.keys.keyring import FolderKeyring
from portal.keys.provider import LocalFile
from tests.durable import Disk
from tests.keys.killing import killed_at
from tests.keys.rules import KeyringRules

fork = multiprocessing.get_context("fork")


@pytest.fixture
def provider(tmp_path: Path) -> LocalFile:
    return LocalFile.create(tmp_path / "root.key")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keyring"


@pytest.fixture
def keyring(folder: Path, provider: LocalFile) -> FolderKeyring:
    made = FolderKeyring(folder, provider)
    made.initialise(b"anchor")
    return made


# The root key


def test_a_root_key_is_32_bytes_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "root.key"
    LocalFile.create(path)
    assert path.stat().st_size == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["root.key"]


def test_a_root_key_is_never_replaced(tmp_path: Path) -> None:
    LocalFile.create(tmp_path / "root.key")
    before = (tmp_path / "root.key").read_bytes()
    with pytest.raises(VersionConflict):
        LocalFile.create(tmp_path / "root.key")
    assert (tmp_path / "root.key").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_wrapped_key_opens_in_its_context_only(provider: LocalFile) -> None:
    wrapped = provider.wrap(b"k" * 32, b"here")
    assert provider.unwrap(wrapped, b"here") == b"k" * 32
    with pytest.raises(KeyringDamaged):
        provider.unwrap(wrapped, b"there")
    with pytest.raises(KeyringDamaged):
        provider.unwrap(wrapped[:-1], b"here")


@pytest.mark.parametrize("mode", [0o000, 0o200, 0o640, 0o604, 0o700, 0o666])
def test_a_root_key_others_can_read_or_nobody_can_is_not_used(tmp_path: Path, provider: LocalFile, mode: int) -> None:
    provider.health()
    (tmp_path / "root.key").chmod(mode)
    for use in (provider.health, lambda: provider.wrap(b"k" * 32, b""), lambda: provider.unwrap(bytes(68), b"")):
        with pytest.raises(ProviderUnavailable, match="LETTERLOCK_KEY_URL"):
            use()
    (tmp_path / "root.key").chmod(0o400)
    provider.health()


@pytest.mark.parametrize("content", [b"", bytes(31), bytes(33)])
def test_a_root_key_of_another_length_is_not_used(tmp_path: Path, provider: LocalFile, content: bytes) -> None:
    (tmp_path / "root.key").write_bytes(content)
    with pytest.raises(ProviderUnavailable, match="32 bytes"):
        provider.health()


def test_a_root_key_that_is_gone_or_no_file_is_a_reason_to_wait(tmp_path: Path, provider: LocalFile) -> None:
    (tmp_path / "root.key").unlink()
    with pytest.raises(ProviderUnavailable):
        provider.health()
    (tmp_path / "root.key").mkdir(mode=0o400)
    with pytest.raises(ProviderUnavailable):
        provider.health()


@pytest.fixture
def unmade(folder: Path, provider: LocalFile) -> FolderKeyring:
    return FolderKeyring(folder, provider)


class TestFolderKeyring(KeyringRules):
    """The rules, in a folder."""


# Objects


def test_what_was_destroyed_leaves_its_name_alone(keyring: FolderKeyring, folder: Path) -> None:
    keyring.create("one", b"first")
    keyring.publish("one", b"public")
    keyring.destroy("one", expected=1)
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "one.gone", "secrets.key"]


def test_what_is_public_needs_no_root_key_and_is_not_changed(
    keyring: FolderKeyring, folder: Path, tmp_path: Path
) -> None:
    keyring.create("one", b"private")
    keyring.publish("one", b"public")
    keyring.publish("one", b"public")
    with pytest.raises(VersionConflict):
        keyring.publish("one", b"another")
    (tmp_path / "root.key").unlink()
    assert FolderKeyring(folder, LocalFile(tmp_path / "root.key")).public("one") == b"public"


def test_the_old_bytes_are_overwritten(keyring: FolderKeyring, folder: Path) -> None:
    keyring.create("one", b"x" * 5000)
    with (folder / "one.key").open("rb") as held:
        size = len(held.read())
        keyring.replace("one", b"y", expected=1)
        held.seek(0)
        assert held.read() == bytes(size)
    with (folder / "one.key").open("rb") as held:
        size = len(held.read())
        keyring.destroy("one", expected=2)
        held.seek(0)
        assert held.read() == bytes(size)


def test_what_is_written_outlives_a_power_cut(
    keyring: FolderKeyring, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts: list[tuple[Callable[[], object], str]] = [
        (lambda: keyring.create("one", b"first"), "one.key"),
        (lambda: keyring.publish("one", b"shown"), "one.pub"),
        (lambda: keyring.replace("one", b"second", expected=1), "one.key"),
        (lambda: keyring.destroy("one", expected=2), "one.gone"),
    ]
    for act, file in acts:
        disk = Disk(monkeypatch)  # anew each time: a file that is made may get the number of one that went
        act()
        assert disk.keeps(folder / file), file
    assert not disk.forgot(folder)


def test_only_the_owner_may_enter(keyring: FolderKeyring, folder: Path) -> None:
    keyring.create("one", b"x")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "one.key").stat().st_mode & 0o777 == 0o600


# What it refuses


def test_a_missing_keyring_is_said_to_be_missing_and_stays_so(folder: Path, provider: LocalFile) -> None:
    keyring = FolderKeyring(folder, provider)
    for prepare in (lambda: None, folder.mkdir):  # no folder; an empty one, as an unmounted disk leaves
        prepare()
        for use in (
            keyring.names,
            lambda: keyring.read("one"),
            lambda: keyring.public("one"),
            lambda: keyring.create("one", b""),
            lambda: keyring.publish("one", b""),
            lambda: keyring.replace("one", b"", expected=1),
            lambda: keyring.destroy("one", expected=1),
        ):
            with pytest.raises(KeyringMissing, match="LETTERLOCK_KEYRING_URL"):
                use()
    assert list(folder.iterdir()) == []


def test_a_keyring_in_parts_is_damaged_and_not_made_anew(keyring: FolderKeyring, folder: Path) -> None:
    keyring.create("one", b"x")
    (folder / "secrets.key").unlink()
    for use in (keyring.names, lambda: keyring.read("secrets"), lambda: keyring.initialise(b"another")):
        with pytest.raises(KeyringDamaged):
            use()


def test_another_root_key_is_told_apart_from_damage(keyring: FolderKeyring, folder: Path, tmp_path: Path) -> None:
    other = FolderKeyring(folder, LocalFile.create(tmp_path / "other.key"))
    with pytest.raises(KeyringForeign, match="LETTERLOCK_KEY_URL"):
        other.read("secrets")


def test_every_byte_of_an_object_counts(keyring: FolderKeyring, folder: Path) -> None:
    keyring.create("one", b"content")
    whole = (folder / "one.key").read_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 0x01
        (folder / "one.key").write_bytes(changed)
        with pytest.raises(KeyringDamaged):
            keyring.read("one")
    for wrong in (b"", whole[:5], whole[:50], whole[:-1], whole + b"\0", bytes(len(whole))):
        (folder / "one.key").write_bytes(wrong)
        with pytest.raises(KeyringDamaged):
            keyring.read("one")


def test_an_object_cannot_stand_in_for_another(keyring: FolderKeyring, folder: Path) -> None:
    keyring.create("one", b"content")
    (folder / "two.key").write_bytes((folder / "one.key").read_bytes())
    with pytest.raises(KeyringDamaged):
        keyring.read("two")


def test_a_full_or_failing_disk_is_a_reason_to_wait(keyring: FolderKeyring, folder: Path) -> None:
    (folder / "one.key").mkdir()
    with pytest.raises(ProviderUnavailable, match="keyring folder"):
        keyring.read("one")


# Several at once, and kill -9


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a forked process; returns how it ended (-9: killed)."""

    def run() -> None:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)

    child = fork.Process(target=run)
    child.start()
    child.join(120)
    assert child.exitcode is not None
    return child.exitcode


def killed_everywhere(prepare: Callable[[], object], work: Callable[[], object], check: Callable[[bool], None]) -> int:
    """Kill `work` at each of its steps, and check each time; returns how many steps there were."""
    for step in range(200):
        prepare()
        finished = killed_at(step, work)
        check(finished)
        if finished:
            return step
    raise AssertionError("it never finished")


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith((".tmp-", ".old-"))]


def test_a_replacement_killed_anywhere_leaves_the_old_or_the_new(keyring: FolderKeyring, folder: Path) -> None:
    keyring.create("one", b"0" * 4000)
    at = [1, b"0" * 4000]

    def replace() -> None:
        keyring.replace("one", b"%d" % at[0] * 4000, expected=at[0])

    def check(finished: bool) -> None:
        version, content = keyring.read("one")
        assert (version, content) in [(at[0], at[1]), (at[0] + 1, b"%d" % at[0] * 4000)]
        assert not finished or version == at[0] + 1
        at[:] = [version, content]
        # The next writer finishes what was begun, and the living object is not what it overwrites.
        keyring.publish("secrets", b"")
        assert leftovers(folder) == []
        assert keyring.read("one") == (version, content)

    assert killed_everywhere(lambda: None, replace, check) > 10


def test_a_creation_killed_anywhere_is_whole_or_not_there(keyring: FolderKeyring, folder: Path) -> None:
    names = [f"object-{number}" for number in range(200)]
    current = iter(names)
    name = [""]

    def check(finished: bool) -> None:
        if finished or name[0] in keyring.names():
            assert keyring.read(name[0]) == (1, b"content")
        else:
            keyring.create(name[0], b"content")
        assert leftovers(folder) == [] or name[0] in keyring.names()

    assert (
        killed_everywhere(
            lambda: name.__setitem__(0, next(current)), lambda: keyring.create(name[0], b"content"), check
        )
        > 4
    )


def test_a_destruction_killed_anywhere_is_done_or_finished_by_the_next_writer(
    keyring: FolderKeyring, folder: Path
) -> None:
    count = [0]

    def prepare() -> None:
        count[0] += 1
        keyring.create(f"object-{count[0]}", b"content")
        keyring.publish(f"object-{count[0]}", b"public")

    def check(finished: bool) -> None:
        name = f"object-{count[0]}"
        gone = name not in keyring.names()
        assert gone or not finished
        if gone:
            with pytest.raises(KeyDestroyed):
                keyring.read(name)
            keyring.publish("secrets", b"")
            assert not (folder / f"{name}.key").exists()
            assert not (folder / f"{name}.pub").exists()
        else:
            assert keyring.read(name) == (1, b"content")
            assert keyring.public(name) == b"public"

    assert killed_everywhere(prepare, lambda: keyring.destroy(f"object-{count[0]}", expected=1), check) > 6


def test_a_first_start_killed_anywhere_can_be_repeated(tmp_path: Path, provider: LocalFile) -> None:
    count = [0]

    def keyring() -> FolderKeyring:
        return FolderKeyring(tmp_path / f"keyring-{count[0]}", provider)

    def check(finished: bool) -> None:
        try:
            keyring().read("secrets")
        except KeyringMissing:
            assert not finished
            keyring().initialise(b"anchor")
        assert keyring().read("secrets") == (1, b"anchor")

    assert (
        killed_everywhere(lambda: count.__setitem__(0, count[0] + 1), lambda: keyring().initialise(b"anchor"), check)
        > 4
    )


def test_of_two_processes_that_change_one_version_one_wins(keyring: FolderKeyring) -> None:
    keyring.create("count", b"0")

    def count_up() -> None:
        for _ in range(25):
            while True:
                version, content = keyring.read("count")
                try:
                    keyring.replace("count", b"%d" % (int(content) + 1), expected=version)
                except VersionConflict:
                    continue
                break

    children = [fork.Process(target=count_up) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert keyring.read("count") == (76, b"75")


def test_a_reader_that_was_overtaken_by_a_writer_reads_again(
    keyring: FolderKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.create("one", b"first")
    overtaken: list[str] = []

    def read_late(path: Path) -> bytes:
        with path.open("rb") as file:
            if not overtaken:
                overtaken.append(path.name)
                keyring.replace("one", b"second", expected=1)
            return file.read()

    monkeypatch.setattr(Path, "read_bytes", read_late)
    assert keyring.read("one") == (2, b"second")
    assert overtaken == ["one.key"]


def test_a_reader_never_meets_a_file_that_is_being_overwritten(keyring: FolderKeyring) -> None:
    keyring.create("big", bytes(2_000_000))
    done = threading.Event()
    failures: list[BaseException] = []

    def read() -> None:
        while not done.is_set():
            try:
                version, content = keyring.read("big")
                assert content == bytes((version - 1,)) * 2_000_000
            except BaseException as failure:
                failures.append(failure)
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(1, 25):
        keyring.replace("big", bytes((version,)) * 2_000_000, expected=version)
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
