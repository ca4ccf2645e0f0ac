"""The recovery key: a pair whose private half is kept offline; backups and exports are sealed to the public one."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path

from portal.keys.binding import bound
from portal.keys.disk import sync_folder, write_durably
from portal.keys.errors import KeyringDamaged, RecoveryKeyBad
from portal.keys.pairs import PRIVATE_SIZE, PUBLIC_SIZE, Pair, seal_to

_PUBLIC, _PRIVATE = "letterlock-recovery-public-1", "letterlock-recovery-private-1"
_MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class RecoveryPublic:
    """What the running installation has of it. `public` is as in portal.keys.pairs, 1,216 bytes."""

    public: bytes

    @classmethod
    def load(cls, path: Path) -> RecoveryPublic:
        """Read a public half. RecoveryKeyBad when the file is none."""
        return cls(_loaded(path, _PUBLIC, PUBLIC_SIZE))

    def text(self) -> str:
        """The line that its file holds."""
        return _line(_PUBLIC, self.public)

    def seal(self, purpose: str, plaintext: bytes, *bound_to: bytes) -> bytes:
        """Seal for one purpose and place: encapsulated key 1,120, ciphertext, tag 16."""
        try:
            return seal_to(self.public, plaintext, _info(purpose, bound_to))
        except KeyringDamaged:
            raise RecoveryKeyBad from None


class RecoveryPrivate:
    """The offline half; its repr shows nothing."""

    __slots__ = ("_pair",)

    def __init__(self, pair: Pair) -> None:
        self._pair = pair

    @classmethod
    def generate(cls) -> RecoveryPrivate:
        return cls(Pair.generate())

    @classmethod
    def load(cls, path: Path) -> RecoveryPrivate:
        """Read a private half. RecoveryKeyBad when the file is none."""
        return cls(Pair.decode(_loaded(path, _PRIVATE, PRIVATE_SIZE)))

    def public(self) -> RecoveryPublic:
        return RecoveryPublic(self._pair.public())

    def text(self) -> str:
        """The line that its file holds, which fits on a sheet of paper."""
        return _line(_PRIVATE, self._pair.encode())

    def open(self, purpose: str, sealed: bytes, *bound_to: bytes) -> bytes:
        """What was sealed. WrapRefused when it was changed, or sealed to another key, purpose or place."""
        return self._pair.open(sealed, _info(purpose, bound_to))


def make_files(public: Path, private: Path) -> None:
    """A new pair in two new files, the private one for its owner alone. FileExistsError when one is there."""
    if public.exists() or private.exists():
        raise FileExistsError
    made = RecoveryPrivate.generate()
    # The private half first: a public half without it would seal what nobody can open.
    write_durably(private, made.text().encode(), 0o600)
    write_durably(public, made.public().text().encode(), 0o644)
    for folder in {public.parent, private.parent}:
        sync_folder(folder)


def _info(purpose: str, bound_to: tuple[bytes, ...]) -> bytes:
    return bound(f"letterlock/v1/{purpose}", *bound_to)


def _line(kind: str, content: bytes) -> str:
    return f"{kind} {base64.b64encode(content).decode()}\n"


def _loaded(path: Path, kind: str, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            words = file.read(_MOST_BYTES).split()
    except OSError as error:
        raise RecoveryKeyBad(f"The recovery key file cannot be read ({os.strerror(error.errno or 0)}).") from None
    if len(words) != 2 or words[0] != kind.encode():
        raise RecoveryKeyBad
    try:
        content = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        raise RecoveryKeyBad from None
    if len(content) != size:
        raise RecoveryKeyBad
    return content
