"""The bytes by which an entry stands in the tree: its outline in clear, and a salted commitment to what may be erased.

    leaf       = {"v":1,"id":…,"at":"2026-11-17T14:48:02.123456Z","kind":…,"message":…,"sealed":"<hex of commitment>"}
    commitment = SHA-256(salt || {"facts":{…},"reader":…})

Both are JSON with sorted keys, without spaces, in UTF-8. Who erases reader, facts and salt leaves the leaf as it was,
and nobody can guess them back from the commitment.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

VERSION = 1
SALT_BYTES = 16


def canonical(value: object) -> bytes:
    """One spelling for one value: these hold only strings, whole numbers, true, false and null."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def commitment(salt: bytes, reader: uuid.UUID | None, facts: Mapping[str, object]) -> bytes:
    """What stands in the leaf for who it was and how (32 bytes)."""
    return hashlib.sha256(salt + canonical({"reader": reader and str(reader), "facts": facts})).digest()


def leaf(id_: int, at: datetime, kind: str, message: uuid.UUID | None, committed: bytes) -> bytes:
    """An entry's leaf, before it is hashed."""
    return canonical(
        {
            "v": VERSION,
            "id": id_,
            "at": moment(at),
            "kind": kind,
            "message": message and str(message),
            "sealed": committed.hex(),
        }
    )


def moment(at: datetime) -> str:
    """In UTC, to the microsecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
