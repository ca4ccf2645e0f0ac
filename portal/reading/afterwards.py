"""Answering a message that has closed: for some days, by whom it was sent to, and without a word of it being shown.

It needs no key of the message, whose keys may be destroyed by then: whom it goes to is in the envelope.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from portal.access import levels, sessions
from portal.access.requests import Request
from portal.vault import readers
from portal.vault.errors import VaultError
from portal.vault.models import Message, Reader


def until(reader: Reader, now: datetime) -> datetime | None:
    """Until when a reader may still answer their closed message; None when they may not, or it is not closed.

    What was withdrawn, from all or from them, is not answered, nor what is gone before its date.
    """
    message = reader.message
    if message.open_until is None or now < message.open_until or reader.withdrawn_at is not None:
        return None
    if message.state == Message.State.WITHDRAWN or reader.role != Reader.Role.RECIPIENT:
        return None
    last = message.open_until + timedelta(days=message.brand.reply_after_days)
    try:
        may = readers.rights_of(reader).reply
    except VaultError:
        return None
    return last if may and now <= last and readers.envelope_of(message).sender_address else None


def reader_of(request: Request, link: str) -> Reader | None:
    """The reader of a link who may still answer, their address proved in this browser as well as reading took."""
    reader, person = readers.by_link(link), request.person
    if reader is None or person is None or reader.message.brand_id != request.brand.pk:
        return None
    if bytes.fromhex(person.lookup) != bytes(reader.address_lookup) or not sessions.opens(request.session_row, reader):
        return None
    return reader if offered(request, reader) else None


def offered(request: Request, reader: Reader) -> datetime | None:
    """`until` for whoever is signed in, if they have proved as much as reading took."""
    try:
        return until(reader, timezone.now()) if levels.is_enough(request.session_row, reader) else None
    except VaultError:
        return None
