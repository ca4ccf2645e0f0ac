"""Messages as a program sees them: where each is and what happened to it, never what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from branding.models import Brand
from portal.api.endpoint import Call
from portal.api.errors import NothingHere
from portal.api.ids import CURSOR, SLUG, cursor, id_of, place_of
from portal.api.models import HandedIn, Token
from portal.api.shapes import Says, write
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.lifecycle import standing
from portal.operations import tracing
from portal.vault.models import Message, Reader

PAGE, MOST_PAGE = 50, 200
LOOKED_AT = 5000
"""Messages that one page looks through for those that fit; so it costs the same among a million."""


class State(Enum):
    """Where a mail is: on its way in, passed on unprotected, or a message here."""

    RECEIVED = "received"
    HELD = "held"
    REFUSED = "refused"
    DROPPED = "dropped"
    RELAYING = "relaying"
    RELAYED = "relayed"
    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    GONE = "gone"


class Kept(Enum):
    """States that a list can be of."""

    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    GONE = "gone"


@dataclass(frozen=True)
class ListAsked:
    """Which messages, the newest first."""

    state: Kept | None = None
    since: Annotated[datetime | None, Says("sealed then or later")] = None
    until: Annotated[datetime | None, Says("sealed before then")] = None
    brand: Annotated[str | None, Says("short name of a brand", 1, 64, SLUG)] = None
    cursor: Annotated[str | None, Says("from `next` of the page before", 1, 60, CURSOR)] = None
    limit: Annotated[int, Says("messages of a page", 1, MOST_PAGE)] = PAGE


@dataclass(frozen=True)
class Line:
    """A message in a list."""

    id: UUID
    state: State
    brand: Annotated[str, Says("its short name")]
    made_at: datetime
    open_until: Annotated[datetime | None, Says("null: it stays open")]
    held: Annotated[bool, Says("a legal hold keeps it from being destroyed")]
    recipients: int
    opened: Annotated[int, Says("recipients who have opened it")]


@dataclass(frozen=True)
class Page:
    """`next` is the address of the next page, null on the last. A page may hold fewer than `limit`, and none."""

    messages: tuple[Line, ...]
    next: str | None


@dataclass(frozen=True)
class Recipient:
    """One of those it was sent to."""

    id: Annotated[UUID, Says("names them in withdraw, undo and resend")]
    address: Annotated[str, Says("masked, like jo•••••@example.org")]
    notice: Annotated[str | None, Says("state of their newest notice: due, sending, sent, failed, dropped")]
    opened_at: datetime | None
    files: Annotated[int, Says("files they began to download")]
    withdrawn_at: datetime | None
    undo_until: Annotated[datetime | None, Says("until when their withdrawal can be undone")]


@dataclass(frozen=True)
class Shown:
    """One mail. What is on its way in, or was passed on, has no recipients here."""

    id: UUID
    state: State
    sentence: Annotated[str, Says("the state in words, for people")]
    brand: Annotated[str | None, Says("its short name")]
    received_at: datetime | None
    open_until: datetime | None
    withdrawn_at: datetime | None
    undo_until: datetime | None
    held: Annotated[bool, Says("a legal hold keeps it from being destroyed")]
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True)
class Event:
    """Something that happened; facts are those of docs/events.md."""

    at: datetime
    kind: str
    sentence: str
    address: Annotated[str | None, Says("of the reader it speaks of, masked")]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Timeline:
    """The oldest first, at most 500."""

    id: UUID
    events: tuple[Event, ...]


def list_(call: Call[ListAsked, None]) -> Page:
    """A page of the messages that the token may see."""
    asked = call.query
    found = _chosen(call)
    # What is looked through is read by the index alone; states are few and no index has them.
    looked = list(found.values_list("pk", "made_at", "state", "open_until")[:LOOKED_AT])
    now = timezone.now()
    fitting = [row for row in looked if asked.state is None or _kept(row[2], row[3], now) == asked.state]
    taken = fitting[: asked.limit]
    last = taken[-1] if len(fitting) > asked.limit else looked[-1] if len(looked) == LOOKED_AT else None
    following = _next(call, last[1], last[0]) if last else None
    return Page(tuple(_lines([row[0] for row in taken])), following)


def one(call: Call[None, None]) -> Shown:
    """A mail, with its recipients and what became of each."""
    return shown(id_of(call), call.token)


def timeline(call: Call[None, None]) -> Timeline:
    """What happened to it."""
    message = visible(id_of(call), call.token)
    found = tracing.trace(message)
    if found is None:
        raise NothingHere
    events = (Event(e.at, e.kind, e.sentence, e.who or None, dict(e.facts)) for e in found.events)
    return Timeline(message, tuple(events))


def visible(id_: UUID, token: Token) -> UUID:
    """The id, if the token may see that mail. Raises NothingHere, the same for what is not there."""
    brand = Message.objects.filter(pk=id_).values_list("brand", flat=True).first()
    if brand is None:
        # Before it is sealed it has no brand; whose it is can be told of what came by this API alone.
        found = HandedIn.objects.filter(message=id_, token=token) if token.brand_id else Spooled.objects.filter(pk=id_)
        if not found.exists():
            raise NothingHere
    elif token.brand_id not in (None, brand):
        raise NothingHere
    return id_


def shown(id_: UUID, token: Token) -> Shown:
    """One mail as it stands. Raises NothingHere."""
    found = tracing.trace(visible(id_, token))
    if found is None:
        raise NothingHere
    row = Message.objects.select_related("brand").defer("container", "rights").filter(pk=id_).first()
    stands = standing.of(id_) if row else None
    state = _kept_state(row.state, row.open_until) if row else _SPOOLED.get(found.state, State.RECEIVED)
    return Shown(
        id=id_,
        state=state,
        sentence=found.sentence,
        brand=row.brand.slug if row else None,
        received_at=found.received_at,
        open_until=row.open_until if row else None,
        withdrawn_at=stands.withdrawn_at if stands else None,
        undo_until=stands.undo_until if stands else None,
        held=bool(row and row.held_at),
        recipients=_recipients(id_, stands),
    )


_SPOOLED: dict[str, State] = {
    Spooled.State.HELD: State.HELD,
    Spooled.State.REFUSED: State.REFUSED,
    Spooled.State.DROPPED: State.DROPPED,
    Spooled.State.RELAYING: State.RELAYING,
    Spooled.State.DONE: State.RELAYED,
}


def _chosen(call: Call[ListAsked, None]) -> QuerySet[Message]:
    asked, token = call.query, call.token
    found = Message.objects.order_by("-made_at", "-pk")
    if token.brand_id:
        found = found.filter(brand=token.brand_id)
    if asked.brand is not None:
        brand = Brand.objects.filter(slug=asked.brand).values_list("pk", flat=True).first()
        found = found.filter(brand=brand) if brand else found.none()
    if asked.since is not None:
        found = found.filter(made_at__gte=asked.since)
    if asked.until is not None:
        found = found.filter(made_at__lt=asked.until)
    if asked.cursor is not None:
        at, id_ = place_of(asked.cursor)
        found = found.filter(Q(made_at=at, pk__lt=id_) | Q(made_at__lt=at))
    return found


def _kept(state: str, open_until: datetime | None, now: datetime) -> Kept:
    if state == Message.State.OPEN and open_until is not None and open_until < now:
        return Kept.CLOSED
    return Kept(state)


def _kept_state(state: str, open_until: datetime | None) -> State:
    return State(_kept(state, open_until, timezone.now()).value)


def _next(call: Call[ListAsked, None], at: datetime, id_: UUID) -> str:
    named = {name: value for name, value in write(call.query).items() if value is not None}
    return f"/api/v1/messages?{urlencode({**named, 'cursor': cursor(at, id_)})}"


def _lines(ids: Sequence[UUID]) -> list[Line]:
    rows = Message.objects.select_related("brand").defer("container", "rights", "envelope").in_bulk(ids)
    counts = {
        found["message"]: (found["all"], found["opened"])
        for found in Reader.objects.filter(message__in=ids, role=Reader.Role.RECIPIENT)
        .values("message")
        .annotate(all=Count("pk"), opened=Count("first_opened_at"))
    }
    return [
        Line(
            row.pk,
            _kept_state(row.state, row.open_until),
            row.brand.slug,
            row.made_at,
            row.open_until,
            row.held_at is not None,
            *counts.get(row.pk, (0, 0)),
        )
        for row in (rows[id_] for id_ in ids if id_ in rows)
    ]


def _recipients(id_: UUID, stands: standing.Standing | None) -> tuple[Recipient, ...]:
    if stands is None:
        return ()
    rows = Outbound.objects.filter(message=id_, kind=Outbound.Kind.NOTICE).order_by("made_at")
    notices = {
        reader: Outbound.State.FAILED.value if news == Outbound.News.FAILED else state
        for reader, state, news in rows.values_list("reader", "state", "news")
    }
    return tuple(
        Recipient(one.id, one.address, notices.get(one.id), one.opened_at, one.files, one.withdrawn_at, one.undo_until)
        for one in stands.recipients
    )
