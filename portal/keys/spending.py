"""What counts once and only for a while, as a code of an authenticator app: which were used, until their time is over.

The keyring's object: "LLU1" | for each mark 16 | until u40, in seconds since 1970; sorted. A mark is the first 16 bytes
of a keyed digest. Whoever writes the database writes nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from portal.keys.errors import KeyringDamaged, NoSuchKey, VersionConflict
from portal.keys.keyring import Keyring

OBJECT = "used-codes"
_MAGIC = b"LLU1"
_MARK, _UNTIL = 16, 5
_ENTRY = _MARK + _UNTIL
_ATTEMPTS = 100
GRACE_SECONDS = 300
"""An entry stays so much longer than it has to, for hosts whose clocks differ."""


class Spending:
    """Using up, for the key service. Every method raises what Keyring does."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def spend(self, digest: bytes, until: int, now: int) -> bool:
        """Use up what is known by a keyed digest of 32 bytes and could count until `until`, both in seconds since 1970.

        False when it was used up before, on any host. What is used up and then not committed proves nothing.
        """
        mark = digest[:_MARK]
        for _ in range(_ATTEMPTS):
            with suppress(VersionConflict):
                version, held = self._held()
                if mark in held:
                    return False
                left = {one: end for one, end in held.items() if end + GRACE_SECONDS > now}
                self._write(version, encode({**left, mark: until}))
                return True
        raise VersionConflict

    def _held(self) -> tuple[int, Mapping[bytes, int]]:
        try:
            version, content = self._keyring.read(OBJECT)
        except NoSuchKey:
            return 0, {}
        return version, decode(content)

    def _write(self, version: int, content: bytes) -> None:
        if version:
            self._keyring.replace(OBJECT, content, expected=version)
        else:
            self._keyring.create(OBJECT, content)


def encode(held: Mapping[bytes, int]) -> bytes:
    """The object's content."""
    return b"".join([_MAGIC, *(mark + end.to_bytes(_UNTIL, "big") for mark, end in sorted(held.items()))])


def decode(content: bytes) -> dict[bytes, int]:
    """Of an authenticated keyring object. KeyringDamaged when it does not read to its end."""
    if content[: len(_MAGIC)] != _MAGIC or (len(content) - len(_MAGIC)) % _ENTRY:
        raise KeyringDamaged
    pieces = (content[at : at + _ENTRY] for at in range(len(_MAGIC), len(content), _ENTRY))
    return {piece[:_MARK]: int.from_bytes(piece[_MARK:], "big") for piece in pieces}
