"""Backups of the keyring: all it holds, opened, and sealed to the recovery key; they outlive no root key and no host.

    "LLB1" | u16 length, the moment it was made (ISO 8601, UTC) | sealed

Sealed to the recovery key for the purpose "keyring-backup", bound to what stands before it, is a CBOR map:
`anchor`, `objects`, `public` (name to bytes) and `gone` (names).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import cbor2

from portal.keys.errors import BackupRefused, KeyDestroyed, NoSuchKey
from portal.keys.keyring import Keyring
from portal.keys.objects import ANCHOR, Contents
from portal.keys.recovery import RecoveryPrivate, RecoveryPublic

PURPOSE = "keyring-backup"
_MAGIC = b"LLB1"


@dataclass(frozen=True, slots=True)
class Backup:
    """An opened backup; its repr shows no key."""

    made_at: datetime
    anchor: bytes = field(repr=False)
    rest: Contents = field(repr=False)


def back_up(keyring: Keyring, recovery: RecoveryPublic, now: datetime) -> bytes:
    """The bytes of a backup of the keyring as it stands; `now` is aware."""
    objects: dict[str, bytes] = {}
    public: dict[str, bytes] = {}
    for name in keyring.names():
        with suppress(KeyDestroyed):
            objects[name] = keyring.read(name)[1]
            with suppress(NoSuchKey):
                public[name] = keyring.public(name)
    # After the objects: what was destroyed meanwhile is in this list, and not among them.
    gone = keyring.gone()
    for name in gone:
        objects.pop(name, None)
        public.pop(name, None)
    content = {"anchor": objects.pop(ANCHOR), "objects": objects, "public": public, "gone": gone}
    made_at = now.astimezone(UTC).isoformat(timespec="seconds").encode()
    head = _MAGIC + len(made_at).to_bytes(2, "big") + made_at
    return head + recovery.seal(PURPOSE, cbor2.dumps(content), head)


def made_at(stored: bytes) -> datetime:
    """When a backup was made, as it says in clear. BackupRefused when it is none."""
    return _head(stored)[0]


def open_backup(stored: bytes, recovery: RecoveryPrivate) -> Backup:
    """What a backup holds. BackupRefused when it is none, WrapRefused when it was changed or is of another key."""
    moment, end = _head(stored)
    content = cbor2.loads(recovery.open(PURPOSE, stored[end:], stored[:end]))
    rest = Contents(content["objects"], content["public"], tuple(content["gone"]))
    return Backup(moment, content["anchor"], rest)


def _head(stored: bytes) -> tuple[datetime, int]:
    end = 6 + int.from_bytes(stored[4:6], "big")
    try:
        if stored[:4] != _MAGIC:
            raise BackupRefused
        return datetime.fromisoformat(stored[6:end].decode("ascii")), end
    except ValueError:
        raise BackupRefused from None
