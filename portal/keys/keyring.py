"""What a keyring does, and the keyring folder: objects written whole, compared before a change, erased when replaced.

NAME.key   an object, see portal.keys.objects
NAME.pub   what is public, in clear
NAME.gone  empty: the object was destroyed, and nothing of that name is ever made again
.lock      held while anything is written
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from portal.keys.disk import erase, sync_folder, write_durably
from portal.keys.errors import (
    KeyDestroyed,
    KeyringDamaged,
    KeyringForeign,
    KeyringMissing,
    KeysError,
    NoSuchKey,
    ProviderUnavailable,
    VersionConflict,
)
from portal.keys.objects import ANCHOR, NOTHING, Contents, Header, check_name, open_object, parse, seal_object
from portal.keys.provider import Provider

_OBJECT, _PUBLIC, _GONE = ".key", ".pub", ".gone"
_UNFINISHED, _REPLACED = ".tmp-", ".old-"


class Keyring(Protocol):
    """Small sealed objects by name, each with a version that every change compares and raises by one.

    Raises:
        KeyringMissing: the place is not there, or holds no keyring (an unmounted disk looks so).
        KeyringDamaged, KeyringForeign, ProviderUnavailable: as their sentences say.
        NoSuchKey, KeyDestroyed: never made; destroyed on purpose.
        VersionConflict: it is not at the expected version, or there already.
    """

    def initialise(self, content: bytes, rest: Contents = NOTHING) -> None:
        """Make the keyring, with the content of its anchor. Refuses where one is, or where parts of one are.

        `rest` is what a backup holds besides. What is cut short leaves parts without an anchor, never half a keyring.
        """

    def exists(self) -> bool:
        """Whether a keyring is here, whole or in parts; needs no root key."""

    def names(self) -> list[str]:
        """The objects that live, sorted."""

    def gone(self) -> list[str]:
        """The objects that were destroyed, sorted."""

    def read(self, name: str) -> tuple[int, bytes]:
        """Version and content of an object."""

    def header(self, name: str) -> Header:
        """An object's version and wrapped key, as they stand there; only comparing may rest on it."""

    def create(self, name: str, content: bytes) -> None:
        """A new object, at version 1."""

    def replace(self, name: str, content: bytes, expected: int) -> None:
        """New content at version `expected` + 1; the old bytes go as far as the place allows."""

    def destroy(self, name: str, expected: int) -> None:
        """Remove an object with what it published, for good."""

    def public(self, name: str) -> bytes:
        """What was published under a name; needs no root key."""

    def publish(self, name: str, content: bytes, *, before: bytes | None = None) -> None:
        """Put `content` beside an object, in clear; VersionConflict when what is there is neither it nor `before`."""


class FolderKeyring:
    """A keyring in one folder, safe between processes and through kill -9 at any point. Raises what Keyring does."""

    def __init__(self, folder: Path, provider: Provider) -> None:
        self._folder = folder
        self._provider = provider

    def initialise(self, content: bytes, rest: Contents = NOTHING) -> None:
        """Make the keyring; its anchor is the last file."""
        with self._disk():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked(fcntl.LOCK_EX), self._disk():
            if self._path(ANCHOR).exists():
                raise VersionConflict("A keyring is there already; a first start does not replace it.")
            if any(path.suffix in (_OBJECT, _GONE) for path in self._folder.iterdir()):
                raise KeyringDamaged
            for name in rest.gone:
                self._place(name, b"", _GONE)
            for name, opened in rest.objects.items():
                self._place(name, seal_object(self._provider, name, 1, opened))
            for name, shown in rest.public.items():
                self._place(name, shown, _PUBLIC, mode=0o644)
            self._place(ANCHOR, seal_object(self._provider, ANCHOR, 1, content))
            sync_folder(self._folder.parent)

    def exists(self) -> bool:
        """Whether a keyring is here, whole or in parts."""
        with self._disk(), suppress(FileNotFoundError, NotADirectoryError):
            return any(path.suffix in (_OBJECT, _GONE) for path in self._folder.iterdir())
        return False

    def names(self) -> list[str]:
        """The objects that live, sorted."""
        files = self._files()
        objects = sorted(name.removesuffix(_OBJECT) for name in files if name.endswith(_OBJECT))
        return [name for name in objects if name + _GONE not in files]

    def gone(self) -> list[str]:
        """The objects that were destroyed, sorted."""
        return sorted(name.removesuffix(_GONE) for name in self._files() if name.endswith(_GONE))

    def read(self, name: str) -> tuple[int, bytes]:
        """Version and content of an object."""
        try:
            return open_object(self._provider, name, self._load(name))
        except (KeyringDamaged, KeyringForeign):
            # Readers take no lock, so this may be a file whose replacement came between our opening and reading it,
            # and which is being overwritten,
            # or whose root key has gone since. While a lock keeps writers out, damage is damage.
            with self._locked(fcntl.LOCK_SH):
                stored = self._load(name)
            return open_object(self._provider, name, stored)

    def header(self, name: str) -> Header:
        """An object's version and wrapped key, as they stand there."""
        return parse(self._load(name))

    def create(self, name: str, content: bytes) -> None:
        """A new object, at version 1."""
        self._require()
        sealed = seal_object(self._provider, name, 1, content)
        with self._writing():
            if self._path(name, _GONE).exists():
                raise KeyDestroyed
            if self._path(name).exists():
                raise VersionConflict
            self._place(name, sealed)

    def replace(self, name: str, content: bytes, expected: int) -> None:
        """New content at version `expected` + 1; the old bytes are overwritten."""
        self._require()
        sealed = seal_object(self._provider, name, expected + 1, content)
        with self._writing():
            self._expect(name, expected)
            # The second name keeps the old bytes reachable after the rename, so that a crash before they are
            # overwritten leaves something to clean up.
            os.link(self._path(name), self._folder / (_REPLACED + name))
            self._place(name, sealed)
            erase(self._folder / (_REPLACED + name))

    def destroy(self, name: str, expected: int) -> None:
        """Overwrite and remove an object with what it published, for good."""
        self._require()
        with self._writing():
            self._expect(name, expected)
            # The tombstone first: once it is on disk the object counts as gone, and a crash only delays the erasing.
            write_durably(self._path(name, _GONE), b"")
            sync_folder(self._folder)
            self._finish_destroying(name)
            sync_folder(self._folder)

    def public(self, name: str) -> bytes:
        """What was published under a name; needs no root key."""
        path = self._path(name, _PUBLIC)
        with self._disk():
            try:
                return path.read_bytes()
            except FileNotFoundError:
                pass
        raise self._absent(name)

    def publish(self, name: str, content: bytes, *, before: bytes | None = None) -> None:
        """Put `content` beside an object, in clear; VersionConflict when what is there is neither it nor `before`."""
        self._require()
        path = self._path(name, _PUBLIC)
        with self._writing():
            if path.exists():
                there = path.read_bytes()
                if there == content:
                    return
                if there != before:
                    raise VersionConflict
            self._place(name, content, _PUBLIC, mode=0o644)

    def _files(self) -> set[str]:
        self._require()
        with self._disk():
            return {path.name for path in self._folder.iterdir()}

    def _load(self, name: str) -> bytes:
        path = self._path(name)
        with self._disk():
            try:
                if not self._path(name, _GONE).exists():
                    return path.read_bytes()
            except FileNotFoundError:
                pass
        raise self._absent(name)

    def _expect(self, name: str, version: int) -> None:
        if self.header(name).version != version:
            raise VersionConflict

    def _place(self, name: str, content: bytes, suffix: str = _OBJECT, mode: int = 0o600) -> None:
        """Give `name` this content, whole or not at all, and durable."""
        unfinished = self._folder / (_UNFINISHED + secrets.token_hex(8))
        write_durably(unfinished, content, mode)
        unfinished.rename(self._path(name, suffix))
        sync_folder(self._folder)

    def _finish_destroying(self, name: str) -> None:
        # What is public goes first, so that nobody seals to a key that cannot be opened any more.
        self._path(name, _PUBLIC).unlink(missing_ok=True)
        erase(self._path(name))

    def _clean(self) -> None:
        """Finish what a killed writer began. Only under the lock: then every leftover is a dead one's."""
        files = {path.name: path for path in self._folder.iterdir()}
        for file, path in files.items():
            if file.startswith(_UNFINISHED):
                erase(path)
            elif file.startswith(_REPLACED):
                living = files.get(file.removeprefix(_REPLACED) + _OBJECT)
                # Killed between the link and the rename, both names are the living object: it must not be overwritten.
                if living is not None and living.samefile(path):
                    path.unlink()
                else:
                    erase(path)
            elif file.endswith(_GONE):
                name = file.removesuffix(_GONE)
                if name + _OBJECT in files or name + _PUBLIC in files:
                    self._finish_destroying(name)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._locked(fcntl.LOCK_EX), self._disk():
            self._clean()
            yield

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        with self._disk():
            try:
                descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except FileNotFoundError:
                raise KeyringMissing from None
        try:
            # flock belongs to the open file: it ends with its process, and threads exclude each other as well.
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        """A disk that fails or is full is a reason to wait, like a provider that is away."""
        try:
            yield
        except OSError as error:
            raise ProviderUnavailable(
                f"The keyring folder does not work ({error.strerror}). Mend the disk; mail waits until then."
            ) from None

    def _require(self) -> None:
        with self._disk():
            there = self._path(ANCHOR).exists()
        if not there:
            raise self._absent(ANCHOR)

    def _absent(self, name: str) -> KeysError:
        """Why there is no such object: no keyring at all, one in parts, destroyed, or never made."""
        with self._disk(), suppress(FileNotFoundError, NotADirectoryError):
            files = {path.name for path in self._folder.iterdir()}
            if ANCHOR + _OBJECT in files:
                return KeyDestroyed() if name + _GONE in files else NoSuchKey()
            if any(file.endswith((_OBJECT, _GONE)) for file in files):
                return KeyringDamaged()
        return KeyringMissing()

    def _path(self, name: str, suffix: str = _OBJECT) -> Path:
        return self._folder / (check_name(name) + suffix)
