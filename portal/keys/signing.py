"""The key that signs the heads of the record: Ed25519 (RFC 8032), derived from the secret that signs for us."""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.keys.binding import bound


class HeadSigner:
    """Signs and tells its public key; the private key shows in no repr."""

    __slots__ = ("_private", "public")

    def __init__(self, secret: bytes) -> None:
        seed = hmac.digest(secret, bound("letterlock/v1/audit-head"), "sha256")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()
        """32 bytes."""

    def sign(self, text: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(text)
