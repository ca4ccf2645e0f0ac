"""What a program may do to a message: withdraw, undo, another date, its notice again. The record names its token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from django.utils import timezone

from portal.api.endpoint import Call
from portal.api.errors import DayRefused, NothingHere
from portal.api.handing import by
from portal.api.ids import id_of
from portal.api.messages import Shown, shown, visible
from portal.api.shapes import Says
from portal.lifecycle import changing, dates, resending, withdrawing
from portal.lifecycle.actors import Why
from portal.lifecycle.errors import DateIsPast, DateTooFar
from portal.vault.models import Reader


@dataclass(frozen=True)
class Withdraw:
    """From whom, and why."""

    reason: Annotated[Why, Says("from the list; the record holds nothing that a person wrote")]
    recipients: Annotated[tuple[UUID, ...] | None, Says("ids; without it, from all", 1)] = None
    tell: Annotated[bool | None, Says("mail those who had a notice; without it, as the brand does")] = None


@dataclass(frozen=True)
class Undo:
    """For whom."""

    recipients: Annotated[tuple[UUID, ...] | None, Says("ids; without it, what was withdrawn from all", 1)] = None


@dataclass(frozen=True)
class Extend:
    """One of these: the last day, how many days from today, or true for no last day. An earlier day is one as well."""

    exactly_one: ClassVar[bool] = True
    open_until: Annotated[date | None, Says("the last day it can be read")] = None
    days: Annotated[int | None, Says("so many days from today", 0, dates.LONGEST_DAYS)] = None
    never: Annotated[Literal[True] | None, Says("it stays open")] = None


@dataclass(frozen=True)
class Resend:
    """To whom."""

    recipient: UUID


def withdraw(call: Call[None, Withdraw]) -> Shown:
    """Closed at once, destroyed when the time to undo is over. Again is no error and keeps the first."""
    message, asked = visible(id_of(call), call.token), call.body
    actor, words = by(call.token), str(asked.reason.label)
    if asked.recipients is None:
        withdrawing.withdraw(message, words, by=actor, why=asked.reason, tell=asked.tell)
    else:
        chosen = _recipients(message, asked.recipients)
        withdrawing.withdraw_some(message, chosen, words, by=actor, why=asked.reason, tell=asked.tell)
    return shown(message, call.token)


def undo(call: Call[None, Undo]) -> Shown:
    """Open again, as long as nothing of it is destroyed."""
    message = visible(id_of(call), call.token)
    if call.body.recipients is None:
        withdrawing.undo(message, by=by(call.token))
    else:
        withdrawing.undo_some(message, _recipients(message, call.body.recipients), by=by(call.token))
    return shown(message, call.token)


def extend(call: Call[None, Extend]) -> Shown:
    """Another last day, or none."""
    message, asked = visible(id_of(call), call.token), call.body
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    day = asked.open_until or today + timedelta(asked.days or 0)
    try:
        until = dates.closing(dates.NEVER if asked.never else day.isoformat())
    except (DateIsPast, DateTooFar) as refused:
        raise DayRefused(str(refused)) from None
    changing.change_date(message, until, by=by(call.token))
    return shown(message, call.token)


def resend(call: Call[None, Resend]) -> Shown:
    """The notice once more, with the same link; at most every five minutes."""
    message = visible(id_of(call), call.token)
    resending.resend(message, call.body.recipient, by=by(call.token))
    return shown(message, call.token)


def _recipients(message: UUID, ids: tuple[UUID, ...]) -> set[UUID]:
    """Those ids, if all of them are recipients of this message. Raises NothingHere."""
    chosen = set(ids)
    found = Reader.objects.filter(message=message, pk__in=chosen, role=Reader.Role.RECIPIENT).count()
    if found != len(chosen):
        raise NothingHere
    return chosen
