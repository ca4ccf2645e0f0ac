"""Which withdrawals a message's sender may undo: those that nobody above them asked for, be it before them or after."""

from __future__ import annotations

from uuid import UUID

from portal.audit.models import Entry
from portal.audit.record import record
from portal.lifecycle.actors import OF_SENDER, Actor, Why
from portal.lifecycle.errors import NotWithdrawn

AGAIN = "message.withdrawn_again"
_ASKED = ("message.withdrawn", AGAIN)
_UNDONE = "message.withdrawal_undone"


def by_sender(message: UUID) -> set[UUID | None]:
    """The readers whose withdrawal only the sender asked for, or who acts for them; None stands for the message's.

    As the record has it: what was erased of it speaks for nobody.
    """
    theirs: dict[UUID | None, bool] = {}
    for entry in Entry.objects.filter(message=message, kind__in=(*_ASKED, _UNDONE)).order_by("id"):
        if entry.kind == _UNDONE:
            theirs.pop(entry.reader, None)
        else:
            theirs[entry.reader] = theirs.get(entry.reader, True) and entry.facts.get("who") in OF_SENDER
    return {reader for reader, alone in theirs.items() if alone}


def ask_again(message: UUID, reader: UUID | None, by: Actor, why: Why | None) -> None:
    """Somebody asks for what is withdrawn already. Call with the row locked, as the other two."""
    if by.who not in OF_SENDER and reader in by_sender(message):
        record(AGAIN, message=message, reader=reader, **by.facts(why))


def must_be(message: UUID, reader: UUID | None, by: Actor) -> None:
    """Raises NotWithdrawn where it is not theirs to undo, which tells them nothing of why."""
    if by.who in OF_SENDER and reader not in by_sender(message):
        raise NotWithdrawn
