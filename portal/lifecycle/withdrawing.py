"""Withdrawing a message, from one reader or from all: closed at once, destroyed when the time to undo is over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from portal.audit.record import record
from portal.keys.service import keys
from portal.lifecycle import saying_withdrawn, undoable
from portal.lifecycle.actors import COMMAND, Actor, Why
from portal.lifecycle.errors import AlreadyDestroyed, NotWithdrawn, UnknownMessage
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


def withdraw(
    message: UUID,
    reason: str,
    *,
    now: bool = False,
    by: Actor = COMMAND,
    why: Why | None = None,
    tell: bool | None = None,
    due: datetime | None = None,
) -> Outcome:
    """Withdraw from all readers; with `now` the keys die before this returns. Again is no error and keeps the first;
    asked for by somebody higher it is no longer the first one's to undo.

    `tell` says whether the recipients get a mail (None: as the brand does), `due` when the keys die if it is not the
    usual time to undo.

    Raises:
        UnknownMessage, AlreadyDestroyed; key errors: with `now`, it is withdrawn all the same and destroyed later.
    """
    with transaction.atomic():
        row = locked(message)
        if row.state != Message.State.WITHDRAWN:
            row.state = Message.State.WITHDRAWN
            row.withdrawn_at = timezone.now()
            row.destroy_after = due or row.withdrawn_at + destroying.grace()
            row.reason = _sealed(row.id, reason)
            record("message.withdrawn", message=row.id, **by.facts(why))
            readers = row.readers.filter(withdrawn_at=None)
            saying_withdrawn.say(row, readers, _when(row.destroy_after, now=now), tell=tell)
        else:
            undoable.ask_again(row.id, None, by, why)
        row.destroy_after = _when(row.destroy_after, now=now)
        row.save(update_fields=["state", "withdrawn_at", "destroy_after", "reason"])
    destroyed = now and destroying.destroy_now(row.id)
    return Outcome(row.destroy_after, destroyed, row.held_at is not None)


def withdraw_reader(message: UUID, address: str, reason: str, *, now: bool = False) -> Outcome:
    """Withdraw from one reader; the others notice nothing. Raises as `withdraw` does."""
    with transaction.atomic():
        row = locked_reader(message, address)
        _withdraw_from(row, reason, now=now, by=COMMAND, why=None, tell=None)
        held = Message.objects.filter(pk=message, held_at__isnull=False).exists()
    destroyed = now and destroying.destroy_reader_now(row.id)
    return Outcome(_when(row.destroy_after, now=now), destroyed, held)


def withdraw_some(
    message: UUID, readers: Collection[UUID], reason: str, *, by: Actor, why: Why | None, tell: bool | None = None
) -> Outcome:
    """Withdraw from some readers, by their rows; from all of its recipients is from everyone, its author as well.

    Raises as `withdraw` does; nothing has changed then.
    """
    with transaction.atomic():
        row = locked(message)
        found = list(row.readers.select_for_update().filter(pk__in=readers).order_by("number"))
        if not found or len(found) != len(set(readers)):
            raise UnknownMessage
        others = row.readers.filter(role=Reader.Role.RECIPIENT, withdrawn_at=None).exclude(pk__in=readers)
        if not others.exists():
            return withdraw(message, reason, by=by, why=why, tell=tell)
        for reader in found:
            if reader.destroying_at is not None:
                raise AlreadyDestroyed
            reader.message = row
            _withdraw_from(reader, reason, now=False, by=by, why=why, tell=tell)
    latest = max(_when(reader.destroy_after, now=False) for reader in found)
    return Outcome(latest, destroyed=False, held=row.held_at is not None)


def withdraw_alone(row: Reader, *, by: Actor, why: Why) -> None:
    """From one reader whose message and row the caller has locked, in the caller's transaction; nobody is told."""
    _withdraw_from(row, str(why.label), now=False, by=by, why=why, tell=False)


def undo(message: UUID, *, by: Actor = COMMAND) -> None:
    """Open a withdrawn message again, as long as nothing of it is destroyed.

    Raises:
        UnknownMessage, NotWithdrawn, AlreadyDestroyed; WithdrawnAbove, and for a sender NotWithdrawn, where somebody
        higher asked for it too.
    """
    with transaction.atomic():
        row = locked(message)
        if row.state != Message.State.WITHDRAWN:
            raise NotWithdrawn
        undoable.must_be(row.id, None, by)
        Message.objects.filter(pk=row.pk).update(
            state=Message.State.OPEN, withdrawn_at=None, destroy_after=None, reason=None
        )
        record("message.withdrawal_undone", message=row.id, **by.facts())


def undo_reader(message: UUID, address: str) -> None:
    """The same for one reader."""
    with transaction.atomic():
        _undo_from(locked_reader(message, address), COMMAND)


def undo_some(message: UUID, readers: Collection[UUID], *, by: Actor) -> None:
    """The same for some readers, by their rows."""
    with transaction.atomic():
        row = locked(message)
        found = list(row.readers.select_for_update().filter(pk__in=readers).order_by("number"))
        if not found or len(found) != len(set(readers)):
            raise UnknownMessage
        for reader in found:
            if reader.destroying_at is not None:
                raise AlreadyDestroyed
            _undo_from(reader, by)


def _withdraw_from(row: Reader, reason: str, *, now: bool, by: Actor, why: Why | None, tell: bool | None) -> None:
    """In the caller's transaction, the message and the reader locked."""
    if row.withdrawn_at is None:
        row.withdrawn_at = timezone.now()
        row.destroy_after = row.withdrawn_at + destroying.grace()
        row.reason = _sealed(row.id, reason)
        record("message.withdrawn", message=row.message_id, reader=row.id, **by.facts(why))
        saying_withdrawn.say(row.message, [row], _when(row.destroy_after, now=now), tell=tell)
    else:
        undoable.ask_again(row.message_id, row.id, by, why)
    row.destroy_after = _when(row.destroy_after, now=now)
    row.save(update_fields=["withdrawn_at", "destroy_after", "reason"])


def _undo_from(row: Reader, by: Actor) -> None:
    if row.withdrawn_at is None:
        raise NotWithdrawn
    undoable.must_be(row.message_id, row.id, by)
    Reader.objects.filter(pk=row.pk).update(withdrawn_at=None, destroy_after=None, reason=None)
    record("message.withdrawal_undone", message=row.message_id, reader=row.id, **by.facts())


def reason_of(row: Message | Reader) -> str:
    """Why it was withdrawn, for administrators who may act on messages; "" when it was not. Key errors."""
    kept = keys().open_field("reason", row.id, bytes(row.reason)).decode() if row.reason else ""
    return str(Why(kept).label) if kept in Why.values else kept


def _when(due: datetime | None, *, now: bool) -> datetime:
    return timezone.now() if now or due is None else due


def _sealed(row: UUID, reason: str) -> bytes:
    return keys().seal_field("reason", row, reason[:MAX_REASON].encode())
