"""Ids and cursors in addresses. What is no id is nothing here, like an id that nobody has."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from portal.api.endpoint import Call
from portal.api.errors import NothingHere, ParameterRefused

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
CURSOR = r"^[0-9]{1,17}-[0-9a-f]{32}$"
SLUG = r"^[-a-zA-Z0-9_]{1,64}$"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def id_of(call: Call[Any, Any], name: str = "id") -> UUID:
    """Raises NothingHere."""
    text = call.path[name]
    if not _UUID.fullmatch(text):
        raise NothingHere
    return UUID(text)


def cursor(at: datetime, id_: UUID) -> str:
    """A place in a list by time; it says where, so nobody need look anything up to go on from there."""
    return f"{(at - _EPOCH) // timedelta(microseconds=1)}-{id_.hex}"


def place_of(text: str) -> tuple[datetime, UUID]:
    """The other way round. ParameterRefused for what no answer of ours held."""
    micros, _, id_ = text.partition("-")
    try:
        return _EPOCH + timedelta(microseconds=int(micros)), UUID(id_)
    except (ValueError, OverflowError):
        raise ParameterRefused("cursor", "is none of ours; follow next as it stands") from None
