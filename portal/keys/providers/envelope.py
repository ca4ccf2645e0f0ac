"""What a key service is given to seal, and what is kept of its answer: both say when they are not what they were.

    kept      "LLP1" | kind u8 | check 8 | key id 8 | what the service returned
    payload   key 32 | check 16; it is what the service seals

The outer check tells damage from a foreign root without asking anyone; the inner one tells a key from garbage, and
binds the context also at a service that would not. Neither is a signature: what protects is the service's cipher.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import IntEnum

from portal.keys.binding import bound
from portal.keys.errors import KeyringDamaged, KeyringForeign, ProviderUnavailable

KEY_SIZE = 32
ID_SIZE = 8
PAYLOAD_SIZE = KEY_SIZE + 16
_MAGIC = b"LLP1"
_CHECK_SIZE = 8
_CHECK_AT = len(_MAGIC) + 1
_ID_AT = _CHECK_AT + _CHECK_SIZE
_BLOB_AT = _ID_AT + ID_SIZE


class Kind(IntEnum):
    """Which kind of service sealed it."""

    PKCS11 = 1
    AWSKMS = 2
    TRANSIT = 3


def payload(key: bytes, context: bytes) -> bytes:
    """The 48 bytes to seal for a 32-byte key in its context."""
    if len(key) != KEY_SIZE:
        raise ValueError("a keyring object's key has 32 bytes")
    return key + _payload_check(key, context)


def key_in(answer: bytes, context: bytes) -> bytes:
    """The key in an opened payload. ProviderUnavailable when this is none: the service answers with something else."""
    key = answer[:KEY_SIZE]
    if len(answer) != PAYLOAD_SIZE or not hmac.compare_digest(answer[KEY_SIZE:], _payload_check(key, context)):
        raise ProviderUnavailable(
            "The key service that LETTERLOCK_KEY_URL names answers with something that is not the key. "
            "Find out what listens there; mail waits until then."
        )
    return key


def key_id(*fields: bytes) -> bytes:
    """Eight bytes that name a root key, made of what is public about it."""
    return hashlib.sha256(bound("letterlock/v1/root-id", *fields)).digest()[:ID_SIZE]


def pack(kind: Kind, root: bytes, blob: bytes, context: bytes) -> bytes:
    """What to keep: `blob` as the service returned it, beside the id of its root key (8 bytes)."""
    return b"".join((_MAGIC, bytes((kind,)), _check(kind, root, blob, context), root, blob))


def unpack(kind: Kind, wrapped: bytes, context: bytes) -> tuple[bytes, bytes]:
    """Root key id and blob. KeyringForeign when another kind of provider made it, KeyringDamaged when it changed."""
    if wrapped[:_CHECK_AT] != _MAGIC + bytes((kind,)):
        raise KeyringForeign
    root, blob = wrapped[_ID_AT:_BLOB_AT], wrapped[_BLOB_AT:]
    if wrapped[_CHECK_AT:_ID_AT] != _check(kind, root, blob, context):
        raise KeyringDamaged
    return root, blob


def _check(kind: Kind, root: bytes, blob: bytes, context: bytes) -> bytes:
    return hashlib.sha256(bound("letterlock/v1/kept", bytes((kind,)), root, blob, context)).digest()[:_CHECK_SIZE]


def _payload_check(key: bytes, context: bytes) -> bytes:
    return hmac.digest(key, bound("letterlock/v1/payload", context), "sha256")[: PAYLOAD_SIZE - KEY_SIZE]
