"""The link-held share: half of what opens a split message; only its reader's notice holds it."""

from __future__ import annotations

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.keys.binding import bound
from portal.keys.errors import WrapRefused
from portal.keys.wraps import KEY_SIZE, WRAP_SIZE

SHARE_SIZE = 16
CODE_CHARACTERS = 26
"""16 bytes in digits of 5 bits; the first digit is below 8."""
_LABEL = "letterlock/v1/split"
_NONCE_SIZE = 12
_GROUP = 4
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_READ_AS = str.maketrans({"o": "0", "i": "1", "l": "1", "-": "", "–": "", " ": "", "\u00a0": ""})
_LONGEST_TYPED = 100


def new_share() -> bytes:
    """A fresh share of 16 random bytes."""
    return os.urandom(SHARE_SIZE)


def code_of(share: bytes) -> str:
    """A share as people see it: 26 characters of lower-case Crockford base32."""
    number = int.from_bytes(share, "big")
    return "".join(_DIGITS[(number >> (5 * place)) & 31] for place in reversed(range(CODE_CHARACTERS)))


def grouped(code: str) -> str:
    """A code in groups of four, for typing."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def share_of(typed: str) -> bytes:
    """The share of a code as typed or pasted; b"" when it is none. `o` reads as 0, `i` and `l` as 1."""
    if len(typed) > _LONGEST_TYPED:
        return b""
    code = typed.strip().lower().translate(_READ_AS)
    if len(code) != CODE_CHARACTERS or not set(code) <= set(_DIGITS):
        return b""
    number = 0
    for character in code:
        number = number << 5 | _DIGITS.index(character)
    return number.to_bytes(SHARE_SIZE, "big") if number >> (8 * SHARE_SIZE) == 0 else b""


def seal_key(inner: bytes, share: bytes, message_key: bytes, message_id: UUID, reader_id: UUID) -> bytes:
    """The message key, sealed under inner key and share: nonce, ciphertext and tag, 60 bytes."""
    if len(message_key) != KEY_SIZE:
        raise ValueError("a message key has 32 bytes")
    nonce = os.urandom(_NONCE_SIZE)
    return nonce + AESGCM(_joined(inner, share, message_id, reader_id)).encrypt(nonce, message_key, None)


def open_key(inner: bytes, share: bytes, sealed: bytes, message_id: UUID, reader_id: UUID) -> bytes:
    """The message key. WrapRefused when the share is another's, or what was sealed was changed or moved."""
    if len(sealed) != WRAP_SIZE or len(share) != SHARE_SIZE:
        raise WrapRefused
    key = _joined(inner, share, message_id, reader_id)
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], None)
    except InvalidTag:
        raise WrapRefused from None


def _joined(inner: bytes, share: bytes, message_id: UUID, reader_id: UUID) -> bytes:
    """The wrapping key (RFC 5869). Both inputs have one length each, so that joining them is unambiguous."""
    if len(inner) != KEY_SIZE or len(share) != SHARE_SIZE:
        raise ValueError("an inner key has 32 bytes and a share 16")
    info = bound(_LABEL, message_id.bytes, reader_id.bytes)
    return HKDF(SHA256(), KEY_SIZE, salt=None, info=info).derive(inner + share)
