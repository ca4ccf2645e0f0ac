"""What a sender sent: a page of their protected messages, to whom, when, and what became of them. No content (S2).

Which are theirs is decided by the author's row of each message, which was made for the envelope's sender, and by
nothing that a mail says of itself (docs/decisions/0016-the-list-of-what-was-sent.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.access import levels, sender_door
from portal.access.models import Session
from portal.access.requests import Request
from portal.access.senders import SENT
from portal.delivery.models import Outbound
from portal.keys.errors import KeysError
from portal.vault import readers
from portal.vault.errors import VaultError
from portal.vault.models import Message, Reader
from portal.vault.opening import open_message

PAGE = 25
SHOWN = 3
"""Recipients of a message that are named; the others are counted."""


@dataclass(frozen=True, repr=False)
class To:
    """One recipient. `state` is `opened`, `withdrawn`, `failed` (their notice came back) or `waiting`."""

    address: str
    state: str
    opened_at: datetime | None


@dataclass(frozen=True, repr=False)
class Line:
    """One message. `subject` is "" where this list does not show it; `state` is "" while it can be read."""

    subject: str
    sent_at: datetime
    open_until: datetime | None
    state: str
    told: str
    to: Sequence[To]
    others: int


@dataclass
class _Heard:
    """What is known of one message's recipients."""

    shown: list[Reader] = field(default_factory=list)
    all: int = 0
    opened: int = 0
    failed: set[UUID] = field(default_factory=set)


@require_safe
@sender_door.required
def sent(request: Request, session: Session) -> HttpResponse:
    """A sender's messages of this brand, newest first."""
    typed = request.GET.get("page", "1")
    number = max(int(typed), 1) if typed.isascii() and typed.isdecimal() and len(typed) < 7 else 1
    start = (number - 1) * PAGE
    found = list(_theirs(session)[start : start + PAGE + 1])
    context = {
        "lines": _lines(found[:PAGE], session, timezone.now()),
        "older_url": f"{SENT}?page={number + 1}" if len(found) > PAGE else "",
        "newer_url": f"{SENT}?page={number - 1}" if number > 1 else "",
    }
    return render(request, "reading/sent.html", context)


def _theirs(session: Session) -> QuerySet[Reader]:
    """The author's rows of this very address, and no other's: what they wrote by mail, under this brand."""
    mine = readers.of_person(bytes.fromhex(session.person.lookup), session.brand)
    return mine.filter(role=Reader.Role.AUTHOR, message__direction=Message.Direction.OUT)


def _lines(mine: Sequence[Reader], session: Session, now: datetime) -> list[Line]:
    heard = _heard([author.message_id for author in mine])
    return [_line(author, heard[author.message_id], session, now) for author in mine]


def _line(author: Reader, heard: _Heard, session: Session, now: datetime) -> Line:
    message = author.message
    return Line(
        subject=_subject(author, session, now),
        sent_at=readers.envelope_of(message).sent_at,
        open_until=message.open_until,
        state=_state(message, now),
        told=_told(heard),
        to=[_to(reader, heard) for reader in heard.shown],
        others=heard.all - len(heard.shown),
    )


def _subject(author: Reader, session: Session, now: datetime) -> str:
    """Opened by the author's own wrap, as in the list of whoever reads: only with the level that the message takes, and
    not where a brand has each message proved on its own."""
    if session.brand.session_scope == "message" or readers.is_closed_to(author, now):
        return ""
    try:
        if not levels.is_enough(session, author):
            return ""
        return open_message(author).toc.subject or _("(no subject)")
    except (KeysError, VaultError):
        return ""


def _state(message: Message, now: datetime) -> str:
    if message.state == Message.State.WITHDRAWN:
        return _("Withdrawn")
    if message.state == Message.State.GONE:
        return _("No longer stored")
    return _("Closed") if readers.is_closed(message, now) else ""


def _told(heard: _Heard) -> str:
    if heard.failed:
        return _("Not delivered to {n} of {all}").format(n=len(heard.failed), all=heard.all)
    if heard.opened and heard.opened == heard.all:
        return _("Opened")
    if heard.opened:
        return _("Opened by {n} of {all}").format(n=heard.opened, all=heard.all)
    return _("Not opened yet")


def _to(reader: Reader, heard: _Heard) -> To:
    state = "waiting"
    if reader.first_opened_at is not None:
        state = "opened"
    elif reader.withdrawn_at is not None:
        state = "withdrawn"
    elif reader.pk in heard.failed:
        state = "failed"
    return To(readers.address_of(reader), state, reader.first_opened_at)


def _heard(messages: Sequence[UUID]) -> dict[UUID | None, _Heard]:
    """Of these messages; a message may have thousands of recipients, so all but the first are only counted."""
    found: dict[UUID | None, _Heard] = defaultdict(_Heard)
    told = Reader.objects.filter(message__in=messages, role=Reader.Role.RECIPIENT)
    counted = told.order_by().values("message").annotate(number=Count("pk"), opened=Count("first_opened_at"))
    for row in counted:
        found[row["message"]].all, found[row["message"]].opened = row["number"], row["opened"]
    for reader in told.filter(number__lt=SHOWN).order_by("message", "number"):
        found[reader.message_id].shown.append(reader)
    notices = Outbound.objects.filter(message__in=messages, kind=Outbound.Kind.NOTICE, reader__isnull=False)
    came_back = notices.filter(Q(state=Outbound.State.FAILED) | Q(news=Outbound.News.FAILED))
    for failed in came_back.values("message", "reader"):
        found[failed["message"]].failed.add(failed["reader"])
    return found
