"""The list of what somebody sent, a page at a time: subject, recipients, and what became of each message (S2).

A page begins behind a message and looks at a bounded number of the sender's own rows, so the last costs what the first
does; where a filter finds too few among them, the next page goes on from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.access.models import Delegation, Session
from portal.delivery.models import Outbound
from portal.sent import owning, subjects
from portal.vault import readers
from portal.vault.models import Message, Reader
from portal.vault.opening import with_wraps

PAGE = 25
LOOKED = 2000
"""Messages that one page looks through for those that a filter wants."""
SHOWN = 3
"""Recipients of a message that are named; the others are counted."""
CLOSING_SOON = timedelta(days=7)
ALL, UNOPENED, CLOSING, BOUNCED, WITHDRAWN = "", "unopened", "closing", "bounced", "withdrawn"
FILTERS = (ALL, UNOPENED, CLOSING, BOUNCED, WITHDRAWN)


@dataclass(frozen=True, repr=False)
class To:
    """One recipient. `state` is `opened`, `withdrawn`, `failed` (their notice came back) or `waiting`."""

    address: str
    state: str
    opened_at: datetime | None


@dataclass(frozen=True, repr=False)
class Line:
    """One message. `subject` is "" where this list does not show it; `state` is "" while it can be read."""

    url: str
    subject: str
    sent_at: datetime
    open_until: datetime | None
    state: str
    told: str
    failed: str
    to: Sequence[To]
    others: int


@dataclass(frozen=True, repr=False)
class Page:
    """`older` is the message behind which the next page begins; None on the last one."""

    lines: Sequence[Line]
    older: UUID | None


@dataclass
class _Heard:
    """What is known of one message's recipients."""

    shown: list[Reader] = field(default_factory=list)
    all: int = 0
    opened: int = 0
    failed: set[UUID] = field(default_factory=set)


def url(show: str = ALL, after: UUID | None = None, lent: UUID | None = None) -> str:
    """A page's address: it names a filter, a message and by what one acts for another, and nobody."""
    asked = {"for": str(lent) if lent else "", "show": show, "after": str(after) if after else ""}
    query = urlencode({name: value for name, value in asked.items() if value})
    return reverse("sent-messages") + (f"?{query}" if query else "")


def page(session: Session, show: str, after: UUID | None, now: datetime, lent: Delegation | None = None) -> Page:
    """What fits of what one sender sent under this brand, newest first, behind the one named `after`: of whoever is
    signed in, or whom they act for."""
    sent = owning.of(lent.owner if lent else session.person, session)
    found, older = _found(sent.select_related(None), show, after, now)
    rows = {row.message_id: row for row in with_wraps(sent.filter(message__in=found)) if owning.is_whole(row)}
    heard, shown = _heard(found), lent is None or not lent.by_office
    return Page([_line(rows[key], heard[key], session, now, shown) for key in found if key in rows], older)


def _found(rows: QuerySet[Reader], show: str, after: UUID | None, now: datetime) -> tuple[list[UUID], UUID | None]:
    if after is not None:
        rows = rows.filter(message__lt=after)
    if show == ALL:
        keys = list(rows.values_list("message_id", flat=True)[: PAGE + 1])
        return keys[:PAGE], keys[PAGE - 1] if len(keys) > PAGE else None
    looked = list(rows.values_list("message_id", flat=True)[: LOOKED + 1])
    fits = Message.objects.filter(_wanted(show, now), pk__in=looked[:LOOKED])
    keys = list(fits.order_by("-pk").values_list("pk", flat=True)[: PAGE + 1])
    if len(keys) > PAGE:
        return keys[:PAGE], keys[PAGE - 1]
    return keys, looked[LOOKED - 1] if len(looked) > LOOKED else None


def _wanted(show: str, now: datetime) -> Q:
    of_it = Reader.objects.filter(message=OuterRef("pk"), role=Reader.Role.RECIPIENT)
    if show == UNOPENED:
        return ~Q(Exists(of_it.filter(first_opened_at__isnull=False)))
    if show == BOUNCED:
        return Q(Exists(_came_back().filter(message=OuterRef("pk"))))
    if show == WITHDRAWN:
        return Q(withdrawn_at__isnull=False) | Q(Exists(of_it.filter(withdrawn_at__isnull=False)))
    return Q(state=Message.State.OPEN, open_until__gt=now, open_until__lte=now + CLOSING_SOON)


def _came_back() -> QuerySet[Outbound]:
    # Word for word the condition of the index "outbound_bounced".
    return Outbound.objects.filter(
        Q(state=Outbound.State.FAILED) | Q(news=Outbound.News.FAILED),
        kind__in=(Outbound.Kind.NOTICE, Outbound.Kind.REPLY),
        message__isnull=False,
        reader__isnull=False,
    )


def _line(author: Reader, heard: _Heard, session: Session, now: datetime, shown: bool) -> Line:
    message, failed = author.message, len(heard.failed)
    return Line(
        url=reverse("sent-message", args=[message.pk]),
        subject=subjects.of(author, session, now, shown=shown).subject,
        sent_at=readers.envelope_of(message).sent_at,
        open_until=message.open_until,
        state=state_of(message, now),
        told=told(heard.opened, heard.all),
        failed=_("Not delivered to {n} of {all}").format(n=failed, all=heard.all) if failed else "",
        to=[_to(reader, heard) for reader in heard.shown],
        others=heard.all - len(heard.shown),
    )


def told(opened: int, everyone: int) -> str:
    """How many have opened it, in words."""
    said = ngettext("{n} of {all} opened", "{n} of {all} opened", everyone)
    return said.format(n=opened, all=everyone)


def state_of(message: Message, now: datetime) -> str:
    """Why it cannot be read any more, in words; "" while it can."""
    if message.state == Message.State.WITHDRAWN or (message.state == Message.State.GONE and message.withdrawn_at):
        return _("Withdrawn")
    if message.state == Message.State.GONE:
        return _("No longer stored")
    return _("Closed") if readers.is_closed(message, now) else ""


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
    told_ = Reader.objects.filter(message__in=messages, role=Reader.Role.RECIPIENT)
    counted = told_.order_by().values("message").annotate(number=Count("pk"), opened=Count("first_opened_at"))
    for row in counted:
        found[row["message"]].all, found[row["message"]].opened = row["number"], row["opened"]
    for reader in told_.filter(number__lt=SHOWN).order_by("message", "number"):
        found[reader.message_id].shown.append(reader)
    for failed in _came_back().filter(message__in=messages).values("message", "reader"):
        found[failed["message"]].failed.add(failed["reader"])
    return found
