"""How a message stands: what can still be done to it, and for each reader what was done with it; nothing of content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.utils import timezone

from portal.audit.models import Entry
from portal.keys.errors import KeysError
from portal.lifecycle.models import MoreTime
from portal.lifecycle.withdrawing import reason_of
from portal.vault import readers
from portal.vault.masking import masked
from portal.vault.models import Message, Reader

SHOWN = 500
"""Recipients; the door takes no more for one message."""
_DOWNLOADS = 10_000
"""Entries that are counted."""


@dataclass(frozen=True)
class Recipient:
    """One recipient; their address is masked for all but the message's own sender."""

    id: UUID
    address: str
    opened_at: datetime | None
    files: int
    """How many different files they began to download."""
    withdrawn_at: datetime | None
    undo_until: datetime | None
    """Until when their own withdrawal can be undone; None when there is none, or its keys are gone."""
    gone: bool
    reason: str = ""
    """Why it was withdrawn from them alone; "" also while the keys are away."""

    @property
    def is_open(self) -> bool:
        return self.withdrawn_at is None and not self.gone


@dataclass(frozen=True)
class Standing:
    """One message."""

    id: UUID
    open_until: datetime | None
    closed: bool
    """It is past its date, or withdrawn from all."""
    withdrawn_at: datetime | None
    undo_until: datetime | None
    held_at: datetime | None
    gone: bool
    """Destroyed, or going just now: nothing can be done any more."""
    tell: bool
    """Whether its brand tells recipients of a withdrawal."""
    resendable: bool
    asked_at: datetime | None
    """Since when a reader waits for more time."""
    recipients: tuple[Recipient, ...]
    reason: str = ""
    """Why it was withdrawn; "" also while the keys are away."""

    @property
    def open(self) -> tuple[Recipient, ...]:
        """Those it is not withdrawn from."""
        return tuple(one for one in self.recipients if one.is_open)

    @property
    def opened(self) -> int:
        return sum(one.opened_at is not None for one in self.recipients)


def of(message: UUID, address: Callable[[Reader], str] | None = None) -> Standing | None:
    """How it stands; None when no such message is sealed here. `address` says how recipients are named, else masked."""
    row = Message.objects.select_related("brand").defer("container", "rights").filter(pk=message).first()
    if row is None:
        return None
    withdrawn = row.state == Message.State.WITHDRAWN
    gone = row.destroying_at is not None
    closed = readers.is_closed(row, timezone.now())
    return Standing(
        id=row.id,
        open_until=row.open_until,
        closed=closed,
        withdrawn_at=row.withdrawn_at if withdrawn else None,
        undo_until=row.destroy_after if withdrawn and not gone else None,
        held_at=row.held_at,
        gone=gone,
        tell=row.brand.tell_withdrawn,
        resendable=not (closed or gone or row.split or row.away_at),
        asked_at=MoreTime.objects.filter(reader__message=row, state=MoreTime.State.OPEN)
        .order_by("asked_at")
        .values_list("asked_at", flat=True)
        .first(),
        recipients=recipients_of(row, address or partial(masked, readers.address_of)),
        reason=_reason(row) if withdrawn else "",
    )


def recipients_of(message: Message, address: Callable[[Reader], str]) -> tuple[Recipient, ...]:
    """Its recipients in order, with what each did."""
    files = downloads_of(message.id)
    rows = message.readers.filter(role=Reader.Role.RECIPIENT).order_by("number")[:SHOWN]
    return tuple(
        Recipient(
            id=row.id,
            address=address(row),
            opened_at=row.first_opened_at,
            files=len(files[row.id]),
            withdrawn_at=row.withdrawn_at,
            undo_until=row.destroy_after if row.withdrawn_at and row.destroying_at is None else None,
            gone=row.destroying_at is not None,
            reason=_reason(row) if row.withdrawn_at else "",
        )
        for row in rows
    )


def _reason(row: Message | Reader) -> str:
    try:
        return reason_of(row)
    except KeysError:
        return ""


def downloads_of(message: UUID) -> dict[UUID | None, set[object]]:
    """The numbers of files that each reader of a message began to download."""
    found: dict[UUID | None, set[object]] = defaultdict(set)
    entries = Entry.objects.filter(message=message, kind="file.downloaded").order_by("id")
    for reader, facts in entries.values_list("reader", "facts")[:_DOWNLOADS]:
        found[reader].add(facts.get("file") if isinstance(facts, dict) else None)
    return found
