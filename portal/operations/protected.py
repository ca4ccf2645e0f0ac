"""Protected messages one by one: when, from which domain, why, under which template, to which domains, withdrawn?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import QuerySet

from portal.audit import finding
from portal.audit.models import Entry
from portal.keys.errors import KeysError
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress
from portal.operations import domains
from portal.vault.models import Message, Reader
from portal.vault.readers import address_of, envelope_of

PAGE = 50
LOOKED_AT = 5000
"""Entries that one page looks through for what fits."""
NAMED = 5
"""Domains of one message that are named."""
COLUMNS = (
    "date",
    "message",
    "sender_domain",
    "template",
    "method",
    "brand",
    "recipient_domains",
    "recipients",
    "state",
)


@dataclass(frozen=True)
class Asked:
    """Of which days; `since` and `until` are moments, and the days are those between. "" stands for all."""

    first: date
    last: date
    since: datetime
    until: datetime
    brand: str = ""
    method: str = ""
    template: str = ""


@dataclass(frozen=True)
class Line:
    """One message. Of its recipients' domains those are named that many people share; `others` says that there are
    more. `state` is "" once nothing is kept of it but that it was there."""

    date: datetime
    message: UUID
    sender_domain: str
    template: str
    method: str
    brand: str
    recipient_domains: tuple[str, ...]
    others: bool
    recipients: int
    state: str

    def cells(self) -> tuple[object, ...]:
        """In the order of COLUMNS."""
        words = {"recipient_domains": " ".join([*self.recipient_domains, *(["other"] if self.others else [])])}
        return tuple(words.get(name, getattr(self, name)) for name in COLUMNS)


@dataclass(frozen=True)
class Page:
    """`older` is the id that the next page begins below, None on the last one."""

    lines: list[Line]
    older: int | None


def page(asked: Asked, before: int | None = None, most: int = PAGE) -> Page:
    """One page, newest first; shorter than `most` where little of what was looked through fits. Raises KeysError."""
    rows = list(_rows(asked, before)[: LOOKED_AT + 1])
    fitting = [row for row in rows[:LOOKED_AT] if _fits(asked, row)]
    if len(fitting) > most:
        return Page(_lines(asked, fitting[:most]), fitting[most - 1].pk)
    return Page(_lines(asked, fitting), rows[LOOKED_AT - 1].pk if len(rows) > LOOKED_AT else None)


def every(asked: Asked, most: int) -> Iterator[Line]:
    """Up to `most` lines, newest first, some hundred at a time."""
    before: int | None = None
    while most > 0:
        found = page(asked, before, min(500, most))
        yield from found.lines
        most -= len(found.lines)
        before = found.older
        if before is None:
            return


def _rows(asked: Asked, before: int | None) -> QuerySet[Entry]:
    span = finding.Asked(since=asked.since, until=asked.until, before=before)
    return finding.of_kinds(["message.sealed"], span).order_by("-id")


def _fits(asked: Asked, row: Entry) -> bool:
    facts = row.facts
    if facts.get("direction") == Message.Direction.IN:
        return False
    wanted = {"brand": asked.brand, "method": asked.method, "template": asked.template}
    return all(not value or facts.get(name, "") == value for name, value in wanted.items())


def _lines(asked: Asked, rows: Sequence[Entry]) -> list[Line]:
    found = Message.objects.select_related("brand").defer("container", "rights")
    messages = found.in_bulk([row.message for row in rows if row.message])
    to = _domains(list(messages))
    shared = domains.shared(domains.TO, asked.first, asked.last, [one for some in to.values() for one in some])
    return [
        _line(row, row.message, message, to.get(row.message, []), shared)
        for row in rows
        if row.message is not None
        and ((message := messages.get(row.message)) is None or message.direction == Message.Direction.OUT)
    ]


def _line(row: Entry, id_: UUID, message: Message | None, to: Sequence[str], shared: set[str]) -> Line:
    facts = row.facts
    named = sorted(set(to) & shared)
    return Line(
        row.at,
        id_,
        _sender(message) if message else "",
        str(facts.get("template") or (message.template if message else "")),
        str(facts.get("method", "")),
        str(facts.get("brand") or (message.brand.slug if message else "")),
        tuple(named[:NAMED]),
        bool(set(to) - set(named[:NAMED])),
        int(facts.get("recipients") or len(to)),
        message.state if message else "",
    )


def _domains(messages: Sequence[UUID]) -> dict[UUID, list[str]]:
    rows = Reader.objects.filter(message__in=messages, role=Reader.Role.RECIPIENT).only("id", "message_id", "address")
    found: dict[UUID, list[str]] = {}
    for row in rows:
        try:
            found.setdefault(row.message_id, []).append(domain_of(address_of(row)))
        except (BadAddress, KeysError):
            found.setdefault(row.message_id, []).append("")
    return found


def _sender(message: Message) -> str:
    try:
        return domain_of(envelope_of(message).sender_address)
    except (BadAddress, KeysError):
        return ""
