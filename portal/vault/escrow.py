"""Shares in escrow: of a split message whose mail was lost, opened with the recovery key's private half."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from portal.keys.recovery import RecoveryPrivate
from portal.vault.errors import NoEscrow
from portal.vault.models import Message, Reader
from portal.vault.sealing import ESCROW

_KIND = "letterlock-escrow-1"


@dataclass(frozen=True)
class Escrowed:
    """One reader's share, sealed to the recovery key."""

    message: UUID
    reader: UUID
    sealed: bytes = field(repr=False)

    @classmethod
    def of(cls, reader: Reader) -> Escrowed:
        return cls(reader.message_id, reader.id, bytes(reader.escrow))

    def open(self, private: RecoveryPrivate) -> bytes:
        """The share. WrapRefused when it is sealed to another recovery key, or was changed."""
        return private.open(ESCROW, self.sealed, self.message.bytes, self.reader.bytes)


def readers_in_escrow(message: Message) -> list[Reader]:
    """The readers whose share is in escrow and who may still read. NoEscrow when there are none."""
    living = message.readers.filter(withdrawn_at=None, destroying_at=None, destroyed_at=None)
    found = list(living.exclude(escrow=b"").select_related("message__brand").order_by("number"))
    if not found:
        raise NoEscrow
    return found


def written(escrowed: Sequence[Escrowed]) -> str:
    """What is carried to the machine that has the private half; it opens nothing without it, and names nobody."""
    rows = [
        {"message": str(one.message), "reader": str(one.reader), "share": base64.b64encode(one.sealed).decode()}
        for one in escrowed
    ]
    return json.dumps({"kind": _KIND, "readers": rows}, indent=1) + "\n"


def read(text: str) -> list[Escrowed]:
    """The other way round. NoEscrow when it is no such file."""
    try:
        document = json.loads(text)
        if document["kind"] != _KIND:
            raise NoEscrow
        return [
            Escrowed(UUID(row["message"]), UUID(row["reader"]), base64.b64decode(row["share"], validate=True))
            for row in document["readers"]
        ]
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        raise NoEscrow from None
