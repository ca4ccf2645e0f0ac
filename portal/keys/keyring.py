"""The keyring folder: small sealed objects, each written whole, compared before it is changed, erased when replaced.

    NAME.key   an object: "LLK1" | version u64 | u16 length, wrapped object key | check 16 | sealed content
    NAME.pub   what is public, in clear
    NAME.gone  empty: the object was destroyed, and nothing of that name is ever made again
    .lock      held while anything is written

The check is the first 16 bytes of SHA-256 of what stands before it: it tells damage from a foreign root key. The
content is AES-256-GCM(object key, nonce 0, content, AAD = "letterlock/v1/object", name, version).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.keys.binding import bound
from portal.keys.disk import erase, sync_folder, write_durably
from portal.keys.errors import (
    KeyDestroyed,
    KeyringDamaged,
    KeyringMissing,
    KeysError,
    NoSuchKey,
    ProviderUnavailable,
    VersionConflict,
)
from portal.keys.provider import Provider

ANCHOR = "secrets"  # written last at a first start: a folder without it is not a keyring
_MAGIC = b"LLK1"
_KEY_SIZE = 32
_CHECK_SIZE = 16
# Every write has an object key of its own, so its one nonce can be fixed.
_NONCE = bytes(12)
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_OBJECT, _PUBLIC, _GONE = ".key", ".pub", ".gone"
_UNFINISHED, _REPLACED = ".tmp-", ".old-"


class FolderKeyring:
    """A keyring in one folder, safe between processes and through kill -9 at any point.

    Raises:
        KeyringMissing: the folder is not there, or holds no keyring (an unmounted disk looks so).
        KeyringDamaged, KeyringForeign, ProviderUnavailable: as their sentences say.
        NoSuchKey, KeyDestroyed: never made; destroyed on purpose.
        VersionConflict: it is not at the expected version, or there already.
    """

    def __init__(self, folder: Path, provider: Provider) -> None:
        self._folder = folder
        self._provider = provider

    def initialise(self, content: bytes) -> None:
        """Make the keyring, with the content of its anchor. Refuses where one is, or where parts of one are."""
        with self._disk():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked(fcntl.LOCK_EX), self._disk():
            if self._path(ANCHOR).exists():
                raise VersionConflict("A keyring is there already; a first start does not replace it.")
            if any(path.suffix in (_OBJECT, _GONE) for path in self._folder.iterdir()):
                raise KeyringDamaged
            self._place(ANCHOR, self._sealed(ANCHOR, 1, content))
            sync_folder(self._folder.parent)

    def names(self) -> list[str]:
        """The objects that live, sorted."""
        self._require()
        with self._disk():
            files = {path.name for path in self._folder.iterdir()}
        objects = sorted(name.removesuffix(_OBJECT) for name in files if name.endswith(_OBJECT))
        return [name for name in objects if name + _GONE not in files]

    def read(self, name: str) -> tuple[int, bytes]:
        """Version and content of an object."""
        try:
            return self._opened(name, self._load(name))
        except KeyringDamaged:
            # Readers take no lock, so this may be a file whose replacement came between our opening and reading it,
            # and which is being overwritten. While a lock keeps writers out, damage is damage.
            with self._locked(fcntl.LOCK_SH):
                stored = self._load(name)
            return self._opened(name, stored)

    def version(self, name: str) -> int:
        """An object's version, as its header says; needs no root key, and only comparing may rest on it."""
        return _parsed(self._load(name))[0]

    def create(self, name: str, content: bytes) -> None:
        """A new object, at version 1."""
        self._require()
        sealed = self._sealed(name, 1, content)
        with self._writing():
            if self._path(name, _GONE).exists():
                raise KeyDestroyed
            if self._path(name).exists():
                raise VersionConflict
            self._place(name, sealed)

    def replace(self, name: str, content: bytes, expected: int) -> None:
        """New content at version `expected` + 1; the old bytes are overwritten."""
        self._require()
        sealed = self._sealed(name, expected + 1, content)
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

    def publish(self, name: str, content: bytes) -> None:
        """Put `content` beside an object, in clear; VersionConflict when something else is there."""
        self._require()
        path = self._path(name, _PUBLIC)
        with self._writing():
            if path.exists():
                if path.read_bytes() != content:
                    raise VersionConflict
                return
            self._place(name, content, _PUBLIC, mode=0o644)

    def _opened(self, name: str, stored: bytes) -> tuple[int, bytes]:
        version, wrapped, body = _parsed(stored)
        object_key = self._provider.unwrap(wrapped, _bound_key(name, version))
        try:
            return version, AESGCM(object_key).decrypt(_NONCE, memoryview(stored)[body:], _bound_object(name, version))
        except InvalidTag:
            raise KeyringDamaged from None

    def _sealed(self, name: str, version: int, content: bytes) -> bytes:
        object_key = os.urandom(_KEY_SIZE)
        wrapped = self._provider.wrap(object_key, _bound_key(name, version))
        header = _MAGIC + version.to_bytes(8, "big") + len(wrapped).to_bytes(2, "big") + wrapped
        sealed = AESGCM(object_key).encrypt(_NONCE, content, _bound_object(name, version))
        return b"".join((header, _check(header), sealed))

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
        if self.version(name) != version:
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
        if not _NAME.fullmatch(name):
            raise NoSuchKey
        return self._folder / (name + suffix)


def _parsed(stored: bytes) -> tuple[int, bytes, int]:
    """Version, wrapped object key, and where the sealed content begins."""
    fixed = len(_MAGIC) + 8 + 2
    header_end = fixed + int.from_bytes(stored[fixed - 2 : fixed], "big")
    body = header_end + _CHECK_SIZE
    if stored[: len(_MAGIC)] != _MAGIC or stored[header_end:body] != _check(stored[:header_end]):
        raise KeyringDamaged
    return int.from_bytes(stored[len(_MAGIC) : len(_MAGIC) + 8], "big"), stored[fixed:header_end], body


def _check(header: bytes) -> bytes:
    return hashlib.sha256(header).digest()[:_CHECK_SIZE]


def _bound_key(name: str, version: int) -> bytes:
    return bound("letterlock/v1/object-key", name.encode(), version.to_bytes(8, "big"))


def _bound_object(name: str, version: int) -> bytes:
    # Name and version are bound, so no object can stand in for another, nor an old one pass as a new version.
    return bound("letterlock/v1/object", name.encode(), version.to_bytes(8, "big"))
