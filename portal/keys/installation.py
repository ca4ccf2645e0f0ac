"""The installation's own secrets, one keyring object, and what is sealed and looked up under them.

While one rotates, it has two versions, the new one first: sealing uses the first, opening tries both.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.keys.binding import bound
from portal.keys.errors import KeyringDamaged, NoSuchKey, WrapRefused

NAMES = ("directory", "lookup", "passcode", "session", "seal", "django")
SECRET_SIZE = 32
MAX_VERSIONS = 2
_MAGIC = b"LLI1"
_NONCE_SIZE = 12
_TAG_SIZE = 16
_FIELD_BLOCK = 32


class Secrets:
    """Named 32-byte secrets, each with one or two versions; its repr shows none."""

    __slots__ = ("_versions",)

    def __init__(self, versions: Mapping[str, tuple[bytes, ...]]) -> None:
        self._versions = dict(versions)

    @classmethod
    def fresh(cls) -> Self:
        return cls({name: (os.urandom(SECRET_SIZE),) for name in NAMES})

    def current(self, name: str) -> bytes:
        return self.versions(name)[0]

    def versions(self, name: str) -> tuple[bytes, ...]:
        """The newest first. NoSuchKey when there is no secret of that name."""
        try:
            return self._versions[name]
        except KeyError:
            raise NoSuchKey from None

    def encode(self) -> bytes:
        """ "LLI1", then for each secret: u8 length and name, u8 count, and as many times 32 bytes."""
        pieces = [_MAGIC]
        for name, versions in self._versions.items():
            encoded = name.encode("ascii")
            pieces += (bytes((len(encoded),)), encoded, bytes((len(versions),)), *versions)
        return b"".join(pieces)

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """The secrets of an authenticated keyring object. KeyringDamaged when it does not read to its end."""
        if content[: len(_MAGIC)] != _MAGIC:
            raise KeyringDamaged
        versions: dict[str, tuple[bytes, ...]] = {}
        at = len(_MAGIC)
        try:
            while at < len(content):
                name_end = at + 1 + content[at]
                count = content[name_end]
                end = name_end + 1 + count * SECRET_SIZE
                starts = range(name_end + 1, end, SECRET_SIZE)
                if not 1 <= count <= MAX_VERSIONS or end > len(content):
                    raise KeyringDamaged
                versions[content[at + 1 : name_end].decode("ascii")] = tuple(
                    content[start : start + SECRET_SIZE] for start in starts
                )
                at = end
        except (IndexError, UnicodeDecodeError):
            raise KeyringDamaged from None
        return cls(versions)

    def seal_field(self, label: str, row: UUID, text: bytes) -> bytes:
        """`text` for one column of one row: nonce 12, ciphertext, tag 16; lengths show only in steps of 32 bytes."""
        context = _field_context(label, row)
        nonce = os.urandom(_NONCE_SIZE)
        # 0x80 and zeros to the next whole block (ISO/IEC 7816-4): the length of an address says a lot about it.
        padded = text + b"\x80" + bytes(-(len(text) + 1) % _FIELD_BLOCK)
        return nonce + _field_cipher(self.current("directory"), context).encrypt(nonce, padded, context)

    def open_field(self, label: str, row: UUID, sealed: bytes) -> bytes:
        """The text. WrapRefused when it was changed, moved to another row or column, or sealed under another key."""
        if len(sealed) < _NONCE_SIZE + _FIELD_BLOCK + _TAG_SIZE:
            raise WrapRefused
        context = _field_context(label, row)
        for directory in self.versions("directory"):
            try:
                padded = _field_cipher(directory, context).decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], context)
            except InvalidTag:
                continue
            return padded[: padded.rindex(b"\x80")]
        raise WrapRefused

    def lookup(self, label: str, value: str) -> bytes:
        """HMAC-SHA256 of `value`, 32 bytes: equal values meet, and a stolen database lets nobody guess them."""
        return hmac.digest(
            self.current("lookup"), bound("letterlock/v1/lookup", label.encode(), value.encode()), "sha256"
        )


def _field_context(label: str, row: UUID) -> bytes:
    return bound("letterlock/v1/field", label.encode(), row.bytes)


def _field_cipher(directory: bytes, context: bytes) -> AESGCM:
    # A key for each field: random nonces under one key must stay below 2^32, and readers alone can be more than that.
    return AESGCM(hmac.digest(directory, context, "sha256"))
