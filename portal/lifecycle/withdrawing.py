"""Withdrawing a message, from one reader or from all: closed at once, destroyed when the time to undo is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from portal.audit.record import record
from portal.keys.service import keys
from portal.lifecycle import saying_withdrawn
from portal.lifecycle.errors import NotWithdrawn
from portal.lifecycle.rows import locked, locked_reader
from portal.vault import destroying
from portal.vault.models import Message, Reader

MAX_REASON = 1000
"""Characters of a reason."""


@dataclass(frozen=True)
class Outcome:
    """When it is destroyed, whether it is already, and whether a hold keeps it."""

    destroy_after: datetime
    destroyed: bool
    held: bool


def withdraw(message: UUID, reason: str, *, now: bool = False) -> Outcome:
    """Withdraw from all readers; with `now` the keys die before this returns. Again is no error and keeps the first.

    Raises:
        UnknownMessage, AlreadyDestroyed; key errors: with `now`, it is withdrawn all the same and destroyed later.
    """
    with transaction.atomic():
        row = locked(message)
        if row.state != Message.State.WITHDRAWN:
            row.state = Message.State.WITHDRAWN
            row.withdrawn_at = timezone.now()
            row.destroy_after = row.withdrawn_at + destroying.grace()
            row.reason = _sealed(row.id, reason)
            record("message.withdrawn", message=row.id)
            readers = row.readers.filter(withdrawn_at=None)
            saying_withdrawn.say(row, readers, _when(row.destroy_after, now=now))
        row.destroy_after = _when(row.destroy_after, now=now)
        row.save(update_fields=["state", "withdrawn_at", "destroy_after", "reason"])
    destroyed = now and destroying.destroy_now(row.id)
    return Outcome(row.destroy_after, destroyed, row.held_at is not None)


def withdraw_reader(message: UUID, address: str, reason: str, *, now: bool = False) -> Outcome:
    """Withdraw from one reader; the others notice nothing. Raises as `withdraw` does."""
    with transaction.atomic():
        row = locked_reader(message, address)
        if row.withdrawn_at is None:
            row.withdrawn_at = timezone.now()
            row.destroy_after = row.withdrawn_at + destroying.grace()
            row.reason = _sealed(row.id, reason)
            record("message.withdrawn", message=message, reader=row.id)
            saying_withdrawn.say(row.message, [row], _when(row.destroy_after, now=now))
        row.destroy_after = _when(row.destroy_after, now=now)
        row.save(update_fields=["withdrawn_at", "destroy_after", "reason"])
        held = Message.objects.filter(pk=message, held_at__isnull=False).exists()
    destroyed = now and destroying.destroy_reader_now(row.id)
    return Outcome(row.destroy_after, destroyed, held)


def undo(message: UUID) -> None:
    """Open a withdrawn message again, as long as nothing of it is destroyed.

    Raises:
        UnknownMessage, NotWithdrawn, AlreadyDestroyed.
    """
    with transaction.atomic():
        row = locked(message)
        if row.state != Message.State.WITHDRAWN:
            raise NotWithdrawn
        Message.objects.filter(pk=row.pk).update(
            state=Message.State.OPEN, withdrawn_at=None, destroy_after=None, reason=None
        )
        record("message.withdrawal_undone", message=row.id)


def undo_reader(message: UUID, address: str) -> None:
    """The same for one reader."""
    with transaction.atomic():
        row = locked_reader(message, address)
        if row.withdrawn_at is None:
            raise NotWithdrawn
        Reader.objects.filter(pk=row.pk).update(withdrawn_at=None, destroy_after=None, reason=None)
        record("message.withdrawal_undone", message=message, reader=row.id)


def reason_of(row: Message | Reader) -> str:
    """Why it was withdrawn, for the organisation's own eyes; "" when it was not."""
    return keys().open_field("reason", row.id, bytes(row.reason)).decode() if row.reason else ""


def _when(due: datetime | None, *, now: bool) -> datetime:
    return timezone.now() if now or due is None else due


def _sealed(row: UUID, reason: str) -> bytes:
    return keys().seal_field("reason", row, reason[:MAX_REASON].encode())
