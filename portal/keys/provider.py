"""Key providers: who holds the root key, and wraps the keys of keyring objects under it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.keys.binding import bound
from portal.keys.disk import erase, sync_folder, write_durably
from portal.keys.errors import KeyringDamaged, KeyringForeign, ProviderUnavailable, VersionConflict

KEY_SIZE = 32
_ID_SIZE = 8
_NONCE_SIZE = 12
_WRAPPED_SIZE = _ID_SIZE + _NONCE_SIZE + KEY_SIZE + 16
_LABEL = "letterlock/v1/local-file"


class Provider(Protocol):
    """Wraps 32-byte keys under a root key that stays where it is. `context` is bound: a wrapped key opens only with it.

    Raises:
        ProviderUnavailable: the root key cannot be reached now; try again later.
        KeyringForeign, KeyringDamaged: the wrapped key is of another root, or was changed.
    """

    def wrap(self, key: bytes, context: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes: ...

    def health(self) -> None: ...

    def describe(self) -> str: ...


@runtime_checkable
class Renewable(Protocol):
    """A provider that can make a new version of its root key by itself, and destroy the one before."""

    def renewing(self) -> bool:
        """Whether a new version is there, and the one before not destroyed yet."""

    def renew(self) -> None:
        """Make a new version, under which `wrap` wraps from now on; what is wrapped under the old one still opens."""

    def is_newest(self, wrapped: bytes) -> bool:
        """Whether a wrapped key is under the newest version."""

    def retire(self) -> None:
        """Destroy the version before the newest; what is still wrapped under it is lost."""


class LocalFile:
    """A root key in a file of 32 random bytes that only its owner may read.

    The file is read at every use, never kept: a key that is taken away stops working when the caches above end.
    While the root key is renewed the new one lies beside it, as NAME.next.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = path.with_name(path.name + ".next")
        self._old = path.with_name(path.name + ".old")

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a new root key. VersionConflict when the file is there: a root key is never replaced in place."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        with suppress(FileNotFoundError):
            unfinished.unlink()
        write_durably(unfinished, os.urandom(KEY_SIZE))
        try:
            # A link refuses to replace what is there and appears whole: a crash leaves no half key behind.
            os.link(unfinished, path)
        except FileExistsError:
            raise VersionConflict(
                "A root key is there already; it is never replaced. Use it or name another file."
            ) from None
        finally:
            unfinished.unlink()
        sync_folder(path.parent)
        return cls(path)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Root id 8, nonce 12, ciphertext 32, tag 16."""
        with self._newest() as (root_id, aead):
            nonce = os.urandom(_NONCE_SIZE)
            return root_id + nonce + aead.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        try:
            return self._unwrap(self._path, wrapped, context)
        except KeyringForeign:
            with suppress(KeyringForeign, _Absent):
                return self._unwrap(self._next, wrapped, context)
            # The new key may have taken the old one's name between the two looks.
            return self._unwrap(self._path, wrapped, context)

    def _unwrap(self, path: Path, wrapped: bytes, context: bytes) -> bytes:
        with self._root(path) as (root_id, aead):
            if wrapped[:_ID_SIZE] != root_id:
                raise KeyringForeign
            if len(wrapped) != _WRAPPED_SIZE:
                raise KeyringDamaged
            nonce, sealed = wrapped[_ID_SIZE : _ID_SIZE + _NONCE_SIZE], wrapped[_ID_SIZE + _NONCE_SIZE :]
            try:
                return aead.decrypt(nonce, sealed, context)
            except InvalidTag:
                raise KeyringDamaged from None

    def health(self) -> None:
        with self._root(self._path):
            pass

    def describe(self) -> str:
        return f"root key in the file {self._path}"

    def renewing(self) -> bool:
        """Whether a new root key lies beside the old one, or the old one waits to be erased."""
        return self._next.exists() or self._old.exists()

    def renew(self) -> None:
        """Make the new root key beside the old one. Keeps one that an interrupted renewal made."""
        self.health()
        if not self._next.exists():
            self._forget_old()
        with suppress(VersionConflict):
            LocalFile.create(self._next)

    def is_newest(self, wrapped: bytes) -> bool:
        """Whether a key is wrapped under the file that wraps now."""
        with self._newest() as (root_id, _):
            return wrapped[:_ID_SIZE] == root_id

    def retire(self) -> None:
        """Put the new root key in the old one's place, and overwrite the old one's bytes."""
        if self._next.exists():
            if not self._old.exists():
                # A second name keeps the old bytes within reach after the rename, through a crash as well.
                os.link(self._path, self._old)
            self._next.rename(self._path)
            sync_folder(self._path.parent)
        self._forget_old()

    def _forget_old(self) -> None:
        """Overwrite the old root key, and what a killed process left of an unfinished one."""
        living = self._path.stat()
        for path in (self._old, *self._path.parent.glob(f".{self._path.name}*.tmp")):
            if not path.exists():
                continue
            # Killed between a link and the step after it, both names are the living key: it must not be overwritten.
            if os.path.samestat(path.stat(), living):
                path.unlink()
            else:
                erase(path)
        sync_folder(self._path.parent)

    @contextmanager
    def _newest(self) -> Iterator[tuple[bytes, AESGCM]]:
        with ExitStack() as opened:
            # Not asked for first: the new key may take the old one's name between asking and opening.
            try:
                root = opened.enter_context(self._root(self._next))
            except _Absent:
                root = opened.enter_context(self._root(self._path))
            yield root

    @contextmanager
    def _root(self, path: Path) -> Iterator[tuple[bytes, AESGCM]]:
        """The root's public id, and its cipher; what was read of the file is overwritten at the end."""
        root = bytearray(KEY_SIZE)
        derived = bytearray(KEY_SIZE + _ID_SIZE)
        try:
            _read_into(path, root)
            HKDF(SHA256(), KEY_SIZE + _ID_SIZE, None, bound(_LABEL)).derive_into(root, derived)
            yield bytes(derived[KEY_SIZE:]), AESGCM(memoryview(derived)[:KEY_SIZE])
        finally:
            # As far as Python allows: the cipher object keeps its own key schedule until it is collected.
            root[:] = bytes(len(root))
            derived[:] = bytes(len(derived))


class _Absent(ProviderUnavailable):
    """There is no such file."""


def _read_into(path: Path, root: bytearray) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise _Absent(str(_unavailable(f"cannot be opened ({error.strerror})"))) from None
    except OSError as error:
        raise _unavailable(f"cannot be opened ({error.strerror})") from None
    try:
        status = os.fstat(descriptor)
        # The superuser may read a file whatever its mode; a mode without owner reading still means "do not use".
        if stat.S_IMODE(status.st_mode) & 0o577 != 0o400:
            raise _unavailable("must be readable by its owner and nobody else: chmod 600")
        if status.st_size != KEY_SIZE or os.readv(descriptor, [root]) != KEY_SIZE:
            raise _unavailable("does not hold 32 bytes: restore it from its backup")
    except OSError as error:
        raise _unavailable(f"cannot be read ({error.strerror})") from None
    finally:
        os.close(descriptor)


def _unavailable(what: str) -> ProviderUnavailable:
    return ProviderUnavailable(
        f"The root key file that LETTERLOCK_KEY_URL names {what}. Mail waits until it is mended."
    )
