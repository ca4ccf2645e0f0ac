"""Changing how long a message lives: another date, or a legal hold."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from portal.audit.record import record
from portal.keys.epochs import FOREVER, HOLD
from portal.keys.errors import KeyDestroyed
from portal.lifecycle import reopening
from portal.lifecycle.actors import COMMAND, Actor, Why
from portal.lifecycle.errors import AlreadyDestroyed, ChangedMeanwhile, DateIsPast, NotHeld, Withdrawn
from portal.lifecycle.rows import locked
from portal.vault.models import Epoch, Message, Reader, Wrap
from portal.vault.opening import key_for
from portal.vault.wrapping import add_wraps, base_of, keys_until

ANY: Any = object()


def shown(said: str | None) -> datetime | Any | None:
    """The date that a form showed, by its hidden field; ANY where that says none."""
    if said is None:
        return ANY
    try:
        return parse_datetime(said) if said else None
    except ValueError:
        return ANY


def change_date(
    message: UUID,
    open_until: datetime | None,
    *,
    by: Actor = COMMAND,
    why: Why | None = None,
    was: datetime | Any = ANY,
) -> None:
    """Let a message close at another moment, or never (None). What is closed but not destroyed opens again.

    A later day's epoch gets wraps of its own. An earlier date moves nothing: the keys are destroyed when it closes.

    `was` is the date that whoever asks has seen.

    Raises:
        UnknownMessage, AlreadyDestroyed, Withdrawn, DateIsPast, ChangedMeanwhile; key errors. Nothing has changed then.
    """
    with transaction.atomic():
        row = locked(message)
        if row.state == Message.State.WITHDRAWN:
            raise Withdrawn
        if open_until is not None and open_until <= timezone.now():
            raise DateIsPast
        if was is not ANY and row.open_until != was:
            raise ChangedMeanwhile
        kept = keys_until(row.brand, open_until)
        wrapped = _wrap_under(row, base_of(kept or open_until))
        Message.objects.filter(pk=row.pk).update(open_until=open_until, keys_until=kept)
        row.open_until = open_until
        reopening.tell(row)
        record("message.date_changed", message=row.id, wrapped=wrapped, **by.facts(why))


def hold(message: UUID, *, by: Actor = COMMAND, why: Why | None = None) -> None:
    """Keep a message from being destroyed, whatever else is asked. Readers see what they would see without it.

    Raises:
        UnknownMessage, AlreadyDestroyed; key errors, and then nothing has changed.
    """
    with transaction.atomic():
        row = locked(message)
        wrapped = _wrap_under(row, HOLD)
        if row.held_at is None:
            Message.objects.filter(pk=row.pk).update(held_at=timezone.now())
            record("message.hold_set", message=row.id, wrapped=wrapped, **by.facts(why))


def lift(message: UUID, *, by: Actor = COMMAND, why: Why | None = None) -> None:
    """Lift a hold; what was due meanwhile is destroyed with the next round.

    Raises:
        UnknownMessage, AlreadyDestroyed, NotHeld.
    """
    with transaction.atomic():
        row = locked(message)
        if row.held_at is None:
            raise NotHeld
        Message.objects.filter(pk=row.pk).update(held_at=None)
        record("message.hold_lifted", message=row.id, **by.facts(why))


def _wrap_under(message: Message, base: str) -> int:
    """Wraps under an epoch for all who still have any; none where a later day's, of all of them, will do."""
    readers = list(Reader.objects.filter(message=message, wraps__isnull=False).distinct().order_by("number"))
    if not readers:
        raise AlreadyDestroyed
    covering = set(Epoch.objects.filter(message=message).values_list("epoch", flat=True))
    lasting = [epoch for epoch in covering if _lasts(epoch.rpartition(".")[0], base)]
    wraps = Wrap.objects.filter(epoch__message=message)
    if any(wraps.filter(epoch__epoch=epoch).count() == len(readers) for epoch in lasting):
        return 0
    try:
        living, held = _living(readers)
        return add_wraps(message, living, held, base)
    except KeyDestroyed:
        raise AlreadyDestroyed from None


def _lasts(found: str, wanted: str) -> bool:
    """Whether an epoch lives at least as long as another. The hold's own lasts only as long as holds are kept."""
    if HOLD in (found, wanted):
        return found == wanted
    # Dates as ISO writes them sort by day, and every letter comes after every digit.
    return found >= wanted if FOREVER not in (found, wanted) else found == FOREVER


def _living(readers: list[Reader]) -> tuple[list[Reader], list[bytes]]:
    """The readers whose wraps open, and what those hold. KeyDestroyed when none does."""
    living, held = [], []
    for reader in readers:
        # Each by their own: with another's, a reader who was withdrawn after this copy of the database was made would
        # be given a new wrap. (Of a split message it would not open anything either.)
        with suppress(KeyDestroyed):
            held.append(key_for(reader))
            living.append(reader)
    if not living:
        raise KeyDestroyed
    return living, held
