"""A notice once more, to the same reader or to a corrected address that takes the place of a wrong one."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

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
from portal.lifecycle import withdrawing
from portal.lifecycle.actors import Actor, Who, Why
from portal.lifecycle.errors import (
    AlreadyDestroyed,
    AlreadyReader,
    BadReaderAddress,
    CannotResend,
    ClosedNow,
    OwnerNeeded,
    ResentLately,
    UnknownMessage,
)
from portal.lifecycle.rows import locked
from portal.mime.addresses import normalise
from portal.mime.errors import BadAddress
from portal.owners import decides_alone
from portal.vault import readers as directory
from portal.vault.models import Message, Reader
from portal.vault.opening import key_for
from portal.vault.phrases import agreed_with, keep_phrases
from portal.vault.sealing import MAX_READERS
from portal.vault.wrapping import add_wraps, base_of

PAUSE = timedelta(minutes=5)
"""Between two notices to one reader: whoever presses twice sends one mail."""
K = Outbound.Kind


def resend(message: UUID, reader: UUID, *, by: Actor) -> None:
    """Mail a recipient their notice again, with the link they have.

    Raises:
        UnknownMessage, AlreadyDestroyed, ClosedNow, CannotResend, ResentLately.
    """
    with transaction.atomic():
        row = _recipient(locked(message), reader)
        _may_be_told(row)
        since = timezone.now() - PAUSE
        if Outbound.objects.filter(kind=K.NOTICE, reader=row, made_at__gt=since).exists():
            raise ResentLately
        record("message.resent", message=message, reader=row.id, **by.facts())
        enqueue(K.NOTICE, address=directory.address_of(row), message=message, reader=row)


def readdress(message: UUID, reader: UUID, address: str, *, by: Actor, why: Why) -> Reader:
    """Withdraw from a reader, and send to the address they should have had: a link, wraps and a notice of its own.

    A phrase that was agreed with the person goes along, with new tries. The record names both rows and no address.

    Raises:
        OwnerNeeded: an administrator who is none asks.
        BadReaderAddress, AlreadyReader, UnknownMessage, AlreadyDestroyed, ClosedNow, CannotResend; key errors.
        Nothing has changed then.
    """
    if by.who == Who.OFFICE and not decides_alone(UUID(by.row)):
        raise OwnerNeeded
    typed = address.strip()
    try:
        lookup = keys().lookup("address", normalise(typed))
    except BadAddress:
        raise BadReaderAddress from None
    if not can_be_sent_to(typed):
        raise BadReaderAddress
    with transaction.atomic():
        row = locked(message)
        old = _recipient(row, reader)
        _may_be_told(old)
        if row.readers.filter(address_lookup=lookup).exists():
            raise AlreadyReader
        made = _reader(row, typed, lookup, None if old.rights is None else bytes(old.rights))
        _wrap(row, old, made)
        if (agreed := agreed_with(old)) is not None:
            keep_phrases([(made, agreed)])
        withdrawing.withdraw_alone(old, by=by, why=why)
        record("message.readdressed", message=message, reader=made.id, was=str(old.id), **by.facts(why))
        enqueue(K.NOTICE, address=typed, message=message, reader=made)
    return made


def _reader(message: Message, address: str, lookup: bytes, rights: bytes | memoryview | None) -> Reader:
    number = 1 + (message.readers.aggregate(last=Max("number"))["last"] or 0)
    if number >= MAX_READERS:
        raise CannotResend
    id_, link = new_id(), directory.new_link()
    return Reader.objects.create(
        id=id_,
        message=message,
        number=number,
        role=Reader.Role.RECIPIENT,
        address=directory.seal_address(id_, address),
        address_lookup=lookup,
        link=directory.seal_link(id_, link),
        link_lookup=keys().lookup("link", link),
        rights=rights,
    )


def _wrap(message: Message, old: Reader, made: Reader) -> None:
    """The key as the wrong address had it, under the day it closes, and under the hold where one is on it."""
    try:
        held = key_for(old)
        add_wraps(message, [made], [held], base_of(message.keys_until or message.open_until))
        if message.held_at is not None:
            add_wraps(message, [made], [held], HOLD)
    except KeyDestroyed:
        raise AlreadyDestroyed from None


def _recipient(message: Message, reader: UUID) -> Reader:
    row = message.readers.select_for_update().filter(pk=reader, role=Reader.Role.RECIPIENT).first()
    if row is None:
        raise UnknownMessage
    if row.destroying_at is not None:
        raise AlreadyDestroyed
    row.message = message
    return row


def _may_be_told(reader: Reader) -> None:
    if directory.is_closed_to(reader, timezone.now()):
        raise ClosedNow
    if reader.message.split or reader.message.away_at is not None:
        raise CannotResend
