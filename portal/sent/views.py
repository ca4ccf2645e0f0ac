"""S2: the list of what a sender sent, and the page of one message. Neither changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_safe

from portal.access import delegates, people, said, sender_door
from portal.access.models import Delegation, Session
from portal.access.models import Person as Someone
from portal.access.requests import Request
from portal.ids import id_of
from portal.lifecycle import asking, granting, undoable
from portal.lifecycle.standing import Recipient
from portal.sent import listing, owning, phrasing, story, subjects
from portal.sent.acting import owned
from portal.vault.readers import address_of, envelope_of

CHIPS: Sequence[tuple[str, Promise]] = (
    (listing.ALL, _lazy("All")),
    (listing.UNOPENED, _lazy("Not opened")),
    (listing.CLOSING, _lazy("Closing soon")),
    (listing.BOUNCED, _lazy("Bounced")),
    (listing.WITHDRAWN, _lazy("Withdrawn")),
)


@require_safe
@sender_door.required
def sent(request: Request, session: Session) -> HttpResponse:
    """A sender's messages of this brand, newest first; with `for` those of one whom they act for."""
    show, after = request.GET.get("show", ""), id_of(request.GET.get("after", ""))
    show = show if show in listing.FILTERS else listing.ALL
    others = delegates.of_delegate(session.person, session.brand)
    lent = _lent(request, others)
    found = listing.page(session, show, after, timezone.now(), lent)
    at = lent.pk if lent else None
    context = {
        "whose": _whose(others, lent) if others else [],
        "owner": people.address_of(lent.owner) if lent else "",
        "lent": lent,
        "lines": found.lines,
        "show": show,
        "after": after,
        "chips": [{"label": label, "url": listing.url(key, lent=at), "current": key == show} for key, label in CHIPS],
        "older_url": listing.url(show, found.older, at) if found.older else "",
        "newest_url": listing.url(show, lent=at) if after else "",
    }
    return render(request, "sent/list.html", context)


def _lent(request: Request, others: Sequence[Delegation]) -> Delegation | None:
    """By what they want to look at another's; Http404 where that is nothing, or has ended."""
    asked = request.GET.get("for", "")
    found = next((row for row in others if str(row.pk) == asked), None)
    if asked and found is None:
        raise Http404
    return found


def _whose(others: Sequence[Delegation], lent: Delegation | None) -> list[dict[str, object]]:
    yours: dict[str, object] = {"label": _lazy("Yours"), "url": listing.url(), "current": lent is None}
    return [
        yours,
        *(
            {"label": people.address_of(row.owner), "url": listing.url(lent=row.pk), "current": row == lent}
            for row in others
        ),
    ]


@dataclass(frozen=True, repr=False)
class Person:
    """One recipient with what they did."""

    now: Recipient
    story: story.Story
    may_undo: bool


@require_safe
@sender_door.required
def message(request: Request, session: Session, id_: UUID) -> HttpResponse:
    """One message: what became of it for each recipient, what they may do, and what can be done."""
    author, now = owned(session, id_)
    moment, me = timezone.now(), str(session.person_id)
    lent = owning.lent_by(session, author)
    content = subjects.of(author, session, moment, shown=owning.shows_content(session, author))
    stories, mine = story.of(id_, content.files), undoable.by_sender(id_)
    told = granting.told(id_)
    context = {
        "message": now,
        "lent": lent,
        "owner": address_of(author) if lent else "",
        "list_url": listing.url(lent=lent.pk if lent else None),
        "subject": content.subject,
        "sent_at": envelope_of(author.message).sent_at,
        "state": listing.state_of(author.message, moment),
        "told": listing.told(now.opened, len(now.recipients)),
        "split": bool(author.message.split),
        "people": [Person(one, stories.get(one.id, story.Story()), one.id in mine) for one in now.recipients],
        "may_undo": None in mine,
        "addable": lent is None and not (now.closed or now.gone or author.message.split or author.message.away_at),
        "askers": _askers(id_) if now.asked_at else [],
        "changes": _changes(id_, me, now.recipients),
        "rights": phrasing.of_rights(told.rights) if told else [],
        "template": told.template if told else "",
        "others": told.others if told else 0,
        "note": said.word(request, session),
    }
    return render(request, "sent/message.html", context)


def _askers(id_: UUID) -> list[str]:
    return [address_of(row.reader) for row in asking.waiting().filter(reader__message=id_)[:20]]


def _changes(id_: UUID, me: str, recipients: Sequence[Recipient]) -> list[dict[str, object]]:
    found = story.changes(id_, me)
    names = {one.id: one.address for one in recipients}
    rows = Someone.objects.in_bulk({one.who for one in found if one.who})
    return [
        {
            "kind": one.kind,
            "at": one.at,
            "by": one.by,
            "name": people.address_of(rows[one.who]) if one.who in rows else "",
            "address": names.get(one.reader, "") if one.reader else "",
        }
        for one in found
    ]
