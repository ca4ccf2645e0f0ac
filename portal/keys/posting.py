"""The list of sealed rows that a process without keys may believe, in clear beside the object that seals them.

    "LLP1" | entries of 48, sorted: salt of the seal 16 | SHA-256(bound("letterlock/v1/posted", kind, seal, claims …))

Whoever writes the database writes nothing here; and who could change the list learns nothing from it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Sequence

from portal.keys.binding import bound
from portal.keys.errors import KeyringDamaged, KeysError

_MAGIC, _LABEL = b"LLP1", "letterlock/v1/posted"
SALT_SIZE = 16
FRESH_SECONDS = 3.0
_ENTRY = SALT_SIZE + 32


def entry(kind: str, claims: Sequence[bytes], seal: bytes) -> bytes:
    """What stands in the list for a row of a kind with this seal, 48 bytes. Needs no key."""
    return seal[:SALT_SIZE] + hashlib.sha256(bound(_LABEL, kind.encode(), seal, *claims)).digest()


def encode(entries: Collection[bytes]) -> bytes:
    """The list as it is published."""
    return b"".join([_MAGIC, *sorted(entries)])


def decode(content: bytes) -> frozenset[bytes]:
    """The entries of a published list. KeyringDamaged when it is none."""
    if content[: len(_MAGIC)] != _MAGIC or (len(content) - len(_MAGIC)) % _ENTRY:
        raise KeyringDamaged
    return frozenset(content[at : at + _ENTRY] for at in range(len(_MAGIC), len(content), _ENTRY))


class Posted:
    """The list as a process knows it: at most FRESH_SECONDS old, and read anew before an entry is said not to be there.
    While the keyring cannot be read, what was read last counts. Safe between threads."""

    def __init__(self, read: Callable[[], frozenset[bytes]]) -> None:
        self._read = read
        self._known: tuple[float, frozenset[bytes]] | None = None

    def forget(self) -> None:
        """Read it anew before the next answer: it was changed here."""
        known = self._known
        self._known = None if known is None else (float("-inf"), known[1])

    def has(self, one: bytes) -> bool:
        """Whether an entry is on the list. Raises what `read` does while nothing was ever read."""
        known, now = self._known, time.monotonic()
        if known is not None and now - known[0] < FRESH_SECONDS and one in known[1]:
            return True
        try:
            known = self._known = now, self._read()
        except KeysError:
            if known is None:
                raise
        return one in known[1]
