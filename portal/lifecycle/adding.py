"""One more reader of a message that is here already: a link, wraps and a notice of their own."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from portal.audit.record import record
from portal.delivery.letters import can_be_sent_to
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from portal.ids import new_id
from portal.keys.epochs import HOLD
from portal.keys.errors import KeyDestroyed
from portal.keys.service import keys
from portal.lifecycle.actors import Actor
from portal.lifecycle.errors import (
    AlreadyDestroyed,
    AlreadyReader,
    BadReaderAddress,
    CannotResend,
    ClosedNow,
    TooManyReaders,
)
from portal.lifecycle.rows import locked
from portal.mime.addresses import normalise
from portal.mime.errors import BadAddress
from portal.vault import readers
from portal.vault.models import Message, Reader
from portal.vault.opening import key_for
from portal.vault.phrases import agreed_with, keep_phrases
from portal.vault.readers import rights_of
from portal.vault.rights import Rights
from portal.vault.sealing import MAX_READERS
from portal.vault.wrapping import add_wraps, base_of


def add(author: Reader, address: str, *, most: int, by: Actor) -> Reader:
    """Send a message to one more address, by its author's own wrap; `most` recipients it may have then.

    What was agreed with its author, a phrase and its hint, is asked of the new reader as well. The record names rows
    and no address.

    Raises:
        BadReaderAddress, AlreadyReader, TooManyReaders, UnknownMessage, AlreadyDestroyed, ClosedNow, CannotResend; key
        errors. Nothing has changed then.
    """
    typed, lookup = looked_up(address)
    with transaction.atomic():
        row = locked(author.message_id)
        may_be_told(row)
        if readers.is_closed(row, timezone.now()):
            raise ClosedNow
        if row.readers.filter(role=Reader.Role.RECIPIENT).count() >= most:
            raise TooManyReaders
        author.message = row
        made = new_reader(row, typed, lookup, _granted_by(author))
        wrap_as(row, author, made)
        record("message.added", message=row.id, reader=made.id, **by.facts())
        enqueue(Outbound.Kind.NOTICE, address=typed, message=row.id, reader=made)
    return made


def _granted_by(author: Reader) -> bytes | None:
    """What a new reader may do: what the message says, but no more than its author; None where that is all of it."""
    if author.rights is None:
        return None
    # Their own wrap is bound to their own rights, and opening it proves those. What the message's row says then proves
    # nothing: whoever writes the database can have put more there.
    most = rights_of(author)
    return Rights.decode(bytes(author.message.rights)).within(most).at_least(most.level).encode()


def looked_up(address: str) -> tuple[str, bytes]:
    """An address as it was typed, and the keyed hash it is found by. Raises BadReaderAddress."""
    typed = address.strip()
    try:
        lookup = keys().lookup("address", normalise(typed))
    except BadAddress:
        raise BadReaderAddress from None
    if not can_be_sent_to(typed):
        raise BadReaderAddress
    return typed, lookup


def may_be_told(message: Message) -> None:
    """Raises CannotResend where a further notice would open nothing."""
    if message.split or message.away_at is not None:
        raise CannotResend


def new_reader(message: Message, address: str, lookup: bytes, rights: bytes | None = None) -> Reader:
    """A row with a fresh link. Raises AlreadyReader and, where the key tree has no number left, CannotResend."""
    if message.readers.filter(address_lookup=lookup).exists():
        raise AlreadyReader
    number = 1 + (message.readers.aggregate(last=Max("number"))["last"] or 0)
    if number >= MAX_READERS:
        raise CannotResend
    id_, link = new_id(), readers.new_link()
    return Reader.objects.create(
        id=id_,
        message=message,
        number=number,
        role=Reader.Role.RECIPIENT,
        address=readers.seal_address(id_, address),
        address_lookup=lookup,
        link=readers.seal_link(id_, link),
        link_lookup=keys().lookup("link", link),
        rights=rights,
    )


def wrap_as(message: Message, held_by: Reader, made: Reader) -> None:
    """The key as another reader has it, under the day it closes, and under the hold where one is on it; the phrase
    that was agreed for it goes along, with new tries."""
    try:
        held = key_for(held_by)
        add_wraps(message, [made], [held], base_of(message.keys_until or message.open_until))
        if message.held_at is not None:
            add_wraps(message, [made], [held], HOLD)
    except KeyDestroyed:
        raise AlreadyDestroyed from None
    if (agreed := agreed_with(held_by)) is not None:
        keep_phrases([(made, agreed)])
