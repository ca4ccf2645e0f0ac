"""The list of sealed rows that a process without keys may believe, in clear beside the object that seals them.

    "LLP1" | entries of 48, sorted: salt of the seal 16 | SHA-256(bound("letterlock/v1/posted", kind, seal, claims …))

Whoever writes the database writes nothing here; and who could change the list learns nothing from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from portal.keys.binding import bound
from portal.keys.errors import KeyringDamaged

_MAGIC, _LABEL = b"LLP1", "letterlock/v1/posted"
SALT_SIZE = 16
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
