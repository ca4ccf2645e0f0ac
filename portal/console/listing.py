"""The list of messages, a page at a time, and of mails that are not sealed: never a subject or a whole address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from portal.console import held
from portal.console.finding import Filter, ids
from portal.console.held import Held
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.keys.errors import KeysError
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress
from portal.operations.states import message_sentence, spool_sentence
from portal.vault.models import Message, Reader
from portal.vault.readers import envelope_of

PAGE = 50
SPOOL_STATES = {
    "held": (Spooled.State.HELD,),
    "waiting": (Spooled.State.RECEIVED, Spooled.State.SEALED, Spooled.State.RELAYING),
}


@dataclass(frozen=True)
class Line:
    """One mail. `sender` is the domain alone, "" when it is not known here."""

    id: UUID
    sent_at: datetime
    sender: str
    recipients: int
    brand: str
    state: str
    answer: bool = False
    rule: str = ""


@dataclass(frozen=True)
class Page:
    """`older` is the id after which the next page begins, None on the last one."""

    lines: list[Line]
    older: UUID | None
    held: tuple[Held, ...] = ()
    """The same mails, where those that are held were asked for."""


def messages(asked: Filter, after: UUID | None) -> Page:
    """Sealed messages that fit, newest first. A page begins after a message: the last costs what the first does."""
    found = ids(asked, after, PAGE + 1)
    return Page(lines_of(found[:PAGE]), found[PAGE - 1] if len(found) > PAGE else None)


def every(asked: Filter, most: int) -> Iterator[Line]:
    """Up to `most` lines, a page at a time."""
    after: UUID | None = None
    while most > 0:
        page = messages(asked, after)
        yield from page.lines[:most]
        most -= len(page.lines)
        after = page.older
        if after is None:
            return


def lines_of(keys: Sequence[UUID]) -> list[Line]:
    """The messages with these ids, in this order."""
    rows = Message.objects.select_related("brand").defer("container", "rights").in_bulk(list(keys))
    return _lines([rows[key] for key in keys if key in rows])


def spooled(show: str, after: UUID | None) -> Page:
    """Mails that are held, or on their way ("waiting"), newest first. KeyError for another word."""
    found = Spooled.objects.filter(state__in=SPOOL_STATES[show]).order_by("-received_at", "-pk")
    mark = Spooled.objects.filter(pk=after).values_list("received_at", flat=True).first() if after else None
    if mark is not None:
        found = found.filter(Q(received_at=mark, pk__lt=after) | Q(received_at__lt=mark))
    rows = list(found[: PAGE + 1])
    older = rows[PAGE - 1].pk if len(rows) > PAGE else None
    lines = [Line(r.id, r.received_at, "", r.recipients, "", spool_sentence(r.state)) for r in rows[:PAGE]]
    return Page(lines, older, tuple(held.described(rows[:PAGE])) if show == "held" else ())


def _lines(rows: Sequence[Message]) -> list[Line]:
    keys = [row.pk for row in rows]
    readers = {
        found["message"]: (found["all"], found["opened"])
        for found in Reader.objects.filter(message__in=keys, role=Reader.Role.RECIPIENT)
        .values("message")
        .annotate(all=Count("pk"), opened=Count("first_opened_at"))
    }
    mails: dict[UUID | None, dict[str, int]] = {}
    told = Outbound.objects.filter(message__in=keys, kind__in=[Outbound.Kind.NOTICE, Outbound.Kind.REPLY])
    for counted in told.values("message", "state", "news").annotate(number=Count("pk")):
        came_back = counted["news"] == Outbound.News.FAILED
        state = Outbound.State.FAILED if came_back else counted["state"]
        states = mails.setdefault(counted["message"], {})
        states[state] = states.get(state, 0) + counted["number"]
    lines = []
    for row in rows:
        recipients, opened = readers.get(row.pk, (0, 0))
        state = message_sentence(row, opened, recipients, mails.get(row.pk, {}))
        sent_at, sender = _sent(row)
        answer = row.direction == Message.Direction.IN
        lines.append(Line(row.pk, sent_at, sender, recipients, row.brand.name, state, answer, row.rule))
    return lines


def _sent(row: Message) -> tuple[datetime, str]:
    """Date and domain of the sender; without the keys only when it came in is known."""
    try:
        envelope = envelope_of(row)
    except KeysError:
        return row.made_at, _("(the keys are away)")
    try:
        return envelope.sent_at, domain_of(envelope.sender_address)
    except BadAddress:
        return envelope.sent_at, ""
