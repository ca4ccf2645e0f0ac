"""Pairs of hybrid keys that anything short is sealed to: door keys and the recovery key.

HPKE base mode (RFC 9180) with ML-KEM-768 + X25519 (X-Wing), HKDF-SHA256 and AES-256-GCM.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

from portal.keys.errors import KeyringDamaged, WrapRefused

OVERHEAD = 1120 + 16
"""Bytes that sealing adds: the encapsulated key and the tag."""
_MLKEM_PUBLIC_SIZE = 1184
_MLKEM_SEED_SIZE = 64
_X25519_SIZE = 32
PUBLIC_SIZE = _MLKEM_PUBLIC_SIZE + _X25519_SIZE
PRIVATE_SIZE = _MLKEM_SEED_SIZE + _X25519_SIZE
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def seal_to(public: bytes, plaintext: bytes, info: bytes) -> bytes:
    """`plaintext` sealed to a public half: encapsulated key 1,120, ciphertext, tag 16. KeyringDamaged: it is none."""
    return _SUITE.encrypt(plaintext, _recipient(public), info)


@lru_cache(maxsize=8)
def _recipient(public: bytes) -> MLKEM768X25519PublicKey:
    """Kept, for a door seals thousands of mails to one key, and reading it takes a quarter of the time of sealing."""
    if len(public) != PUBLIC_SIZE:
        raise KeyringDamaged
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_SIZE]),
            X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC_SIZE:]),
        )
    except ValueError:
        raise KeyringDamaged from None


class Pair:
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
        """ML-KEM-768 encapsulation key (1,184 bytes), then X25519 public key (32)."""
        return self._mlkem.public_key().public_bytes_raw() + self._x25519.public_key().public_bytes_raw()

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """What `seal_to` sealed. WrapRefused when it was changed, or sealed to another key or for another place."""
        if len(sealed) < OVERHEAD:
            raise WrapRefused
        try:
            return _SUITE.decrypt(sealed, self._key, info)
        except InvalidTag:
            raise WrapRefused from None

    def encode(self) -> bytes:
        """ML-KEM-768 seed d | z (64 bytes, FIPS 203 section 7.1), then X25519 private key (32)."""
        return self._mlkem.private_bytes_raw() + self._x25519.private_bytes_raw()

    @classmethod
    def decode(cls, content: bytes) -> Self:
        if len(content) != PRIVATE_SIZE:
            raise KeyringDamaged
        return cls(
            MLKEM768PrivateKey.from_seed_bytes(content[:_MLKEM_SEED_SIZE]),
            X25519PrivateKey.from_private_bytes(content[_MLKEM_SEED_SIZE:]),
        )
