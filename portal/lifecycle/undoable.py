"""Who may undo a withdrawal: whoever is at least as high as all who asked for it, before them or after."""

from __future__ import annotations

from uuid import UUID

from portal.audit.models import Entry
from portal.audit.record import record
from portal.lifecycle.actors import Actor, Who, Why
from portal.lifecycle.errors import NotWithdrawn, WithdrawnAbove

AGAIN = "message.withdrawn_again"
_ASKED = ("message.withdrawn", AGAIN)
_UNDONE = "message.withdrawal_undone"
_SENDER, _PROGRAM, _OFFICE = range(3)
_HEIGHTS = {Who.SENDER: _SENDER, Who.DELEGATE: _SENDER, Who.RECIPIENT: _SENDER, Who.PROGRAM: _PROGRAM}
"""Whoever is not among them, and whoever the record knows no more, is as high as an administrator."""


def by_sender(message: UUID) -> set[UUID | None]:
    """The readers whose withdrawal their sender may undo, or who acts for them; None stands for the message's."""
    return {reader for reader, height in _heights(message).items() if height == _SENDER}


def ask_again(message: UUID, reader: UUID | None, by: Actor, why: Why | None) -> None:
    """Somebody asks for what is withdrawn already. Call with the row locked, as the other two."""
    if _height(by.who) > _heights(message).get(reader, _OFFICE):
        record(AGAIN, message=message, reader=reader, **by.facts(why))


def must_be(message: UUID, reader: UUID | None, by: Actor) -> None:
    """Raises WithdrawnAbove where it is not theirs to undo; for a sender NotWithdrawn, as for what never was."""
    if _height(by.who) < _heights(message).get(reader, _OFFICE):
        raise WithdrawnAbove if by.who == Who.PROGRAM else NotWithdrawn


def _heights(message: UUID) -> dict[UUID | None, int]:
    """How high the highest is who asked, as the record has it."""
    found: dict[UUID | None, int] = {}
    for entry in Entry.objects.filter(message=message, kind__in=(*_ASKED, _UNDONE)).order_by("id"):
        if entry.kind == _UNDONE:
            found.pop(entry.reader, None)
        else:
            found[entry.reader] = max(found.get(entry.reader, _SENDER), _height(str(entry.facts.get("who", ""))))
    return found


def _height(who: str) -> int:
    return _HEIGHTS.get(Who(who), _OFFICE) if who in Who.values else _OFFICE
