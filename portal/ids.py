"""Ids of rows: new ones in the order of time, so that what is made together lies together in every index."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID


def new_id(at: datetime | None = None) -> UUID:
    """A UUID of version 7 (RFC 9562 section 5.7): 48 bits of time (now, unless another is given) in milliseconds, 74
    random bits."""
    seconds = time.time() if at is None else at.timestamp()
    head = int(seconds * 1000).to_bytes(6, "big")
    tail = bytearray(os.urandom(10))
    tail[0] = tail[0] & 0x0F | 0x70
    tail[2] = tail[2] & 0x3F | 0x80
    return UUID(bytes=head + bytes(tail))


def id_of(text: str) -> UUID | None:
    """What someone typed or a form says; None when it is no id."""
    try:
        return UUID(text)
    except ValueError:
        return None


def ids_of(texts: Iterable[str]) -> set[UUID]:
    """Those of them that are ids."""
    return {id_ for text in texts if (id_ := id_of(text)) is not None}


def made_at(id_: UUID) -> datetime:
    """When such an id was made, to the millisecond."""
    return datetime.fromtimestamp(int.from_bytes(id_.bytes[:6], "big") / 1000, UTC)
