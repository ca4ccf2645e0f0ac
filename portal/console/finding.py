"""Messages by what an administrator knows of them. Each way ends in an index, however many messages there are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from portal.delivery.models import Outbound
from portal.operations.searches import Sought
from portal.vault.models import Message, Reader
from portal.vault.readers import address_lookup
from portal.vault.reference import Reference
from portal.vault.sealing import mail_id_lookup

OPEN, WITHDRAWN, GONE, UNDELIVERED = "open", "withdrawn", "gone", "undelivered"
STATES = (OPEN, WITHDRAWN, GONE, UNDELIVERED)
_REFERENCE = re.compile(r"[0-9a-f]{8}")
_PAGE = 200
"""Undelivered messages that are looked at together."""


@dataclass(frozen=True)
class Filter:
    """What is asked for; `sought` holds the personal part, which is in no URL."""

    sought: Sought = field(default_factory=Sought)
    reference: str = ""
    state: str = ""
    brand: str = ""
    rule: str = ""
    since: date | None = None
    until: date | None = None
    """Both days count whole."""

    def __bool__(self) -> bool:
        return self != Filter()

    def query(self, **more: str) -> str:
        """The part that a URL may hold, and `more`."""
        found = {
            "ref": self.reference,
            "state": self.state,
            "brand": self.brand,
            "rule": self.rule,
            "from": self.since.isoformat() if self.since else "",
            "to": self.until.isoformat() if self.until else "",
            **more,
        }
        return urlencode({name: value for name, value in found.items() if value})


def read(given: Mapping[str, str]) -> Filter:
    """Of a query or a form. What makes no sense there is left out."""
    reference = given.get("ref", "").strip().lower()
    state = given.get("state", "")
    return Filter(
        reference=reference if _REFERENCE.fullmatch(reference) else "",
        state=state if state in STATES else "",
        # PostgreSQL takes no NUL for a text, not even to look for it.
        brand=given.get("brand", "")[:50].replace("\0", ""),
        rule=given.get("rule", "")[:100].replace("\0", ""),
        since=_day(given.get("from", "")),
        until=_day(given.get("to", "")),
    )


def with_sought(asked: Filter, sought: Sought) -> Filter:
    return replace(asked, sought=sought)


def ids(asked: Filter, after: UUID | None, most: int) -> list[UUID]:
    """Up to `most` messages, newest first, behind the one named `after`."""
    if asked.sought.sender or asked.sought.recipient:
        return list(of_people(asked, after).values_list("message_id", flat=True)[:most])
    if asked.state == UNDELIVERED:
        return _undelivered(asked, after, most)
    return list(of_all(asked, after).values_list("pk", flat=True)[:most])


def of_people(asked: Filter, after: UUID | None) -> QuerySet[Reader]:
    """Rows of readers: of the recipient, or of the sender alone. Ids begin with their time, so they are the order."""
    typed = {Reader.Role.RECIPIENT: asked.sought.recipient, Reader.Role.AUTHOR: asked.sought.sender}
    lookups = {role: address_lookup(address) for role, address in typed.items() if address}
    role, lookup = next(iter(lookups.items()))
    found = Reader.objects.filter(_that_fit(asked, "message__"), address_lookup=lookup, role=role)
    if len(lookups) == 2:
        sender = Reader.objects.filter(
            message=OuterRef("message"), address_lookup=lookups[Reader.Role.AUTHOR], role=Reader.Role.AUTHOR
        )
        found = found.filter(Exists(sender))
    if asked.state == UNDELIVERED:
        found = found.filter(Exists(_bounced().filter(message=OuterRef("message"))))
    if after is not None:
        found = found.filter(message__lt=after)
    return found.order_by("-message")


def of_all(asked: Filter, after: UUID | None) -> QuerySet[Message]:
    """Messages by what stands in their own row."""
    found = Message.objects.filter(_that_fit(asked, "")).order_by("-made_at", "-pk")
    if asked.reference:
        # Unordered, for it is one, seldom two: with an order, planners prefer to walk along that.
        found = found.order_by().alias(reference=Reference("id")).filter(reference=asked.reference)
    if asked.sought.mail_id:
        found = found.order_by().filter(mail_id_lookup=mail_id_lookup(f"<{asked.sought.mail_id.strip('<> ')}>"))
    mark = Message.objects.filter(pk=after).values_list("made_at", flat=True).first() if after else None
    if mark is not None:
        found = found.filter(Q(made_at=mark, pk__lt=after) | Q(made_at__lt=mark), made_at__lte=mark)
    return found


def _undelivered(asked: Filter, after: UUID | None, most: int) -> list[UUID]:
    """Along the mails that did not arrive, which are few, and not along all messages."""
    found: list[UUID] = []
    for page in _bounced_messages(after):
        kept = set(Message.objects.filter(_that_fit(asked, ""), pk__in=page).values_list("pk", flat=True))
        found += [id_ for id_ in page if id_ in kept]
        if len(found) >= most:
            break
    return found[:most]


def _bounced_messages(after: UUID | None) -> Iterator[list[UUID]]:
    while True:
        rows = bounced_after(after)
        page = [id_ for id_ in rows.values_list("message", flat=True).distinct()[:_PAGE] if id_ is not None]
        if page:
            yield page
        if len(page) < _PAGE:
            return
        after = page[-1]


def bounced_after(after: UUID | None) -> QuerySet[Outbound]:
    found = _bounced()
    if after is not None:
        found = found.filter(message__lt=after)
    return found.order_by("-message")


def _bounced() -> QuerySet[Outbound]:
    # Word for word the condition of the index "outbound_bounced".
    return Outbound.objects.filter(
        Q(state=Outbound.State.FAILED) | Q(news=Outbound.News.FAILED),
        kind__in=(Outbound.Kind.NOTICE, Outbound.Kind.REPLY),
        message__isnull=False,
    )


def _that_fit(asked: Filter, start: str) -> Q:
    """The filters of a message's own columns; `start` is "" or the way to them."""
    wanted: dict[str, Any] = {}
    if asked.state in (OPEN, WITHDRAWN, GONE):
        wanted["state"] = asked.state
    if asked.brand:
        wanted["brand__slug"] = asked.brand
    if asked.rule:
        wanted["rule"] = asked.rule
    if asked.since:
        wanted["made_at__gte"] = _begin(asked.since)
    if asked.until:
        wanted["made_at__lt"] = _begin(asked.until + timedelta(days=1))
    return Q(**{start + name: value for name, value in wanted.items()})


def _begin(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def _day(text: str) -> date | None:
    """A day that has a neighbour in every time zone."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if date.min.year < found.year < date.max.year else None
