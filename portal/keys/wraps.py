"""Wraps: a message's key, locked for one reader of one message with their rights (docs/sealed-format.md)."""

from __future__ import annotations

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.keys.binding import bound
from portal.keys.epochs import EpochId
from portal.keys.errors import WrapRefused

KEY_SIZE = 32
WRAP_SIZE = 60  # nonce 12, ciphertext 32, tag 16
_NONCE_SIZE = 12
_LABEL = "letterlock/v1/wrap"


def wrap(
    leaf: bytes, message_key: bytes, epoch: EpochId, message_id: UUID, reader_id: UUID, rights_digest: bytes
) -> bytes:
    """The 32-byte message key, sealed under a leaf of the epoch's tree: nonce, ciphertext and tag, 60 bytes."""
    return wrap_bound(leaf, message_key, epoch, message_id.bytes, reader_id.bytes, rights_digest)


def unwrap(
    leaf: bytes, wrapped: bytes, epoch: EpochId, message_id: UUID, reader_id: UUID, rights_digest: bytes
) -> bytes:
    """The message key. WrapRefused when the wrap was changed, or made for anything else than what is given here."""
    return unwrap_bound(leaf, wrapped, epoch, message_id.bytes, reader_id.bytes, rights_digest)


def wrap_bound(leaf: bytes, message_key: bytes, epoch: EpochId, *binding: bytes) -> bytes:
    """The same for a caller that has the bytes of ids and digest, in that order, and many wraps to make."""
    if len(message_key) != KEY_SIZE:
        raise ValueError("a message key has 32 bytes")
    # Random, because one leaf wraps again when rights change: a handful of nonces a key, far from 2^32.
    nonce = os.urandom(_NONCE_SIZE)
    return nonce + AESGCM(leaf).encrypt(nonce, message_key, _bound(epoch, *binding))


def unwrap_bound(leaf: bytes, wrapped: bytes, epoch: EpochId, *binding: bytes) -> bytes:
    """The other way round, with the same error."""
    if len(wrapped) != WRAP_SIZE:
        raise WrapRefused
    nonce, sealed = wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:]
    try:
        return AESGCM(leaf).decrypt(nonce, sealed, _bound(epoch, *binding))
    except InvalidTag:
        raise WrapRefused from None


def _bound(epoch: EpochId, message_id: bytes, reader_id: bytes, rights_digest: bytes) -> bytes:
    # Whoever can write the database could otherwise copy a wrap to another reader's row, or widen the rights beside it.
    return bound(_LABEL, epoch.encode(), message_id, reader_id, rights_digest)
