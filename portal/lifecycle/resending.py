"""A notice once more, to the same reader or to a corrected address that takes the place of a wrong one."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from portal.audit.record import record
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from portal.lifecycle import adding, saying_corrected, withdrawing
from portal.lifecycle.actors import Actor, Who, Why
from portal.lifecycle.errors import (
    AlreadyDestroyed,
    ClosedNow,
    OwnerNeeded,
    ResentLately,
    UnknownMessage,
)
from portal.lifecycle.rows import locked
from portal.owners import decides_alone
from portal.vault import readers
from portal.vault.models import Message, Reader

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
        enqueue(K.NOTICE, address=readers.address_of(row), message=message, reader=row)


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
    typed, lookup = adding.looked_up(address)
    with transaction.atomic():
        row = locked(message)
        old = _recipient(row, reader)
        _may_be_told(old)
        made = adding.new_reader(row, typed, lookup, None if old.rights is None else bytes(old.rights))
        adding.wrap_as(row, old, made)
        withdrawing.withdraw_alone(old, by=by, why=why)
        record("message.readdressed", message=message, reader=made.id, was=str(old.id), **by.facts(why))
        enqueue(K.NOTICE, address=typed, message=message, reader=made)
        saying_corrected.say(old, made, by=by, why=why)
    return made


def _recipient(message: Message, reader: UUID) -> Reader:
    row = message.readers.select_for_update().filter(pk=reader, role=Reader.Role.RECIPIENT).first()
    if row is None:
        raise UnknownMessage
    if row.destroying_at is not None:
        raise AlreadyDestroyed
    row.message = message
    return row


def _may_be_told(reader: Reader) -> None:
    if readers.is_closed_to(reader, timezone.now()):
        raise ClosedNow
    adding.may_be_told(reader.message)
