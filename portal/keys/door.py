"""Door keys: HPKE pairs, one a day, so that the host that takes mail in cannot read what passed through it.

HPKE base mode (RFC 9180) with ML-KEM-768 + X25519 (X-Wing), HKDF-SHA256 and AES-256-GCM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

from portal.keys.binding import bound
from portal.keys.errors import KeyringDamaged, WrapRefused

KEY_SIZE = 32
SEALED_KEY_SIZE = 1168  # encapsulated key 1,120, ciphertext 32, tag 16
_MLKEM_PUBLIC_SIZE = 1184
_MLKEM_SEED_SIZE = 64
_X25519_SIZE = 32
_LABEL = "letterlock/v1/door"
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class DoorPublic:
    """The public half of one day's pair: ML-KEM-768 encapsulation key (1,184 bytes), then X25519 public key (32)."""

    key_id: str
    public: bytes


def seal_key(public: DoorPublic, stream_key: bytes, spool_id: UUID) -> bytes:
    """The 32-byte key of a spooled stream, sealed to the door key: 1,168 bytes (encapsulated key, ciphertext, tag)."""
    if len(stream_key) != KEY_SIZE:
        raise ValueError("a stream's key has 32 bytes")
    if len(public.public) != _MLKEM_PUBLIC_SIZE + _X25519_SIZE:
        raise KeyringDamaged
    try:
        recipient = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public.public[:_MLKEM_PUBLIC_SIZE]),
            X25519PublicKey.from_public_bytes(public.public[_MLKEM_PUBLIC_SIZE:]),
        )
    except ValueError:
        raise KeyringDamaged from None
    return _SUITE.encrypt(stream_key, recipient, _info(public.key_id, spool_id))


class DoorPrivate:
    """The private half; its repr shows nothing."""

    __slots__ = ("_key", "_mlkem", "_x25519")

    def __init__(self, mlkem: MLKEM768PrivateKey, x25519: X25519PrivateKey) -> None:
        self._mlkem = mlkem
        self._x25519 = x25519
        self._key = MLKEM768X25519PrivateKey(mlkem, x25519)

    @classmethod
    def generate(cls) -> Self:
        return cls(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())

    def public(self) -> bytes:
        return self._mlkem.public_key().public_bytes_raw() + self._x25519.public_key().public_bytes_raw()

    def open_key(self, key_id: str, sealed: bytes, spool_id: UUID) -> bytes:
        """The stream's key. WrapRefused when it was changed, or sealed for another spool entry or door key."""
        if len(sealed) != SEALED_KEY_SIZE:
            raise WrapRefused
        try:
            return _SUITE.decrypt(sealed, self._key, _info(key_id, spool_id))
        except InvalidTag:
            raise WrapRefused from None

    def encode(self) -> bytes:
        """ML-KEM-768 seed d | z (64 bytes, FIPS 203 section 7.1), then X25519 private key (32)."""
        return self._mlkem.private_bytes_raw() + self._x25519.private_bytes_raw()

    @classmethod
    def decode(cls, content: bytes) -> Self:
        if len(content) != _MLKEM_SEED_SIZE + _X25519_SIZE:
            raise KeyringDamaged
        return cls(
            MLKEM768PrivateKey.from_seed_bytes(content[:_MLKEM_SEED_SIZE]),
            X25519PrivateKey.from_private_bytes(content[_MLKEM_SEED_SIZE:]),
        )


def _info(key_id: str, spool_id: UUID) -> bytes:
    return bound(_LABEL, key_id.encode(), spool_id.bytes)
