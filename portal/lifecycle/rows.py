"""The message that something is to be done to, locked against its destruction meanwhile."""

from __future__ import annotations

from uuid import UUID

from portal.lifecycle.errors import AlreadyDestroyed, UnknownMessage
from portal.mime.errors import BadAddress
from portal.vault.models import Message, Reader
from portal.vault.readers import address_lookup


def locked(message: UUID) -> Message:
    """The row, locked until the caller's transaction ends, not claimed for destruction.

    Raises:
        UnknownMessage, AlreadyDestroyed.
    """
    row = Message.objects.select_for_update().defer("container").filter(pk=message).first()
    if row is None:
        raise UnknownMessage
    if row.destroying_at is not None:
        raise AlreadyDestroyed
    return row


def locked_reader(message: UUID, address: str) -> Reader:
    """The same for one reader of it, its message locked as well."""
    locked(message)
    try:
        lookup = address_lookup(address)
    except BadAddress:
        raise UnknownMessage from None
    row = Reader.objects.select_for_update().filter(message=message, address_lookup=lookup).first()
    if row is None:
        raise UnknownMessage
    if row.destroying_at is not None:
        raise AlreadyDestroyed
    return row
