"""Door keys: HPKE pairs, one a day, so that the host that takes mail in cannot read what passed through it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from portal.keys.binding import bound
from portal.keys.errors import WrapRefused
from portal.keys.pairs import OVERHEAD, Pair, seal_to

KEY_SIZE = 32
SEALED_KEY_SIZE = KEY_SIZE + OVERHEAD  # 1,168
_LABEL = "letterlock/v1/door"
_SHARE_LABEL = "letterlock/v1/waiting-share"


@dataclass(frozen=True, slots=True)
class DoorPublic:
    """The public half of one day's pair: ML-KEM-768 encapsulation key (1,184 bytes), then X25519 public key (32)."""

    key_id: str
    public: bytes


def seal_key(public: DoorPublic, stream_key: bytes, spool_id: UUID) -> bytes:
    """The 32-byte key of a spooled stream, sealed to the door key: 1,168 bytes (encapsulated key, ciphertext, tag)."""
    if len(stream_key) != KEY_SIZE:
        raise ValueError("a stream's key has 32 bytes")
    return seal_to(public.public, stream_key, _info(public.key_id, spool_id))


def seal_share(public: DoorPublic, share: bytes, outbound_id: UUID) -> bytes:
    """A share that waits for its notice to leave, sealed to the door key: encapsulated key, ciphertext and tag."""
    return seal_to(public.public, share, bound(_SHARE_LABEL, public.key_id.encode(), outbound_id.bytes))


class DoorPrivate(Pair):
    """The private half; its repr shows nothing."""

    __slots__ = ()

    def open_key(self, key_id: str, sealed: bytes, spool_id: UUID) -> bytes:
        """The stream's key. WrapRefused when it was changed, or sealed for another spool entry or door key."""
        if len(sealed) != SEALED_KEY_SIZE:
            raise WrapRefused
        return self.open(sealed, _info(key_id, spool_id))

    def open_share(self, key_id: str, sealed: bytes, outbound_id: UUID) -> bytes:
        """The share that waited. WrapRefused when it was changed, or sealed for another mail or door key."""
        return self.open(sealed, bound(_SHARE_LABEL, key_id.encode(), outbound_id.bytes))


def _info(key_id: str, spool_id: UUID) -> bytes:
    return bound(_LABEL, key_id.encode(), spool_id.bytes)
