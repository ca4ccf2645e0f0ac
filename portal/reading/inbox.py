"""The inbox (R7): a person's conversations under one brand. All of it are links and forms, and none needs a script."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from branding import departments
from portal.access import sessions, way_in
from portal.access.models import Person, Session
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.reading import conversations, finding, letters, unsent
from portal.reading.conversations import ALL, CLOSING, HIDDEN, MINE, UNREAD
from portal.reading.unsent import DRAFTS
from portal.vault import readers, searching
from portal.vault.models import Reader

INBOX = "/inbox/"


@dataclass(frozen=True)
class Asked:
    """What of the inbox is looked at."""

    show: str = ALL
    page: int = 1
    query: str = ""

    def __repr__(self) -> str:
        return f"Asked({self.show}, {self.page})"

    @classmethod
    def read(cls, fields: QueryDict) -> Asked:
        """From a page's address or a form; what makes no sense there is left out."""
        show, page = fields.get("show", ALL), fields.get("page", "1")
        return cls(
            show if show in (UNREAD, MINE, CLOSING, HIDDEN, DRAFTS) else ALL,
            max(int(page), 1) if page.isdecimal() and len(page) < 7 else 1,
            " ".join(fields.get("q", "").split())[: searching.MOST_CHARACTERS],
        )

    @property
    def fields(self) -> dict[str, str]:
        """What an address or a form says of it."""
        said = {"show": self.show if self.show != ALL else "", "page": str(self.page) if self.page > 1 else ""}
        return {name: value for name, value in {"q": self.query, **said}.items() if value}

    @property
    def url(self) -> str:
        """Its address."""
        return self.url_with()

    def url_with(self, **more: str) -> str:
        """Its address, and something besides."""
        query = urlencode(self.fields | more)
        return f"{INBOX}?{query}" if query else INBOX


@require_safe
def inbox(request: Request) -> HttpResponse:
    """R7: this brand's conversations with the signed-in address, newest first."""
    person, session = request.person, request.session_row
    if person is None or session is None:
        return way_in.neutral(request, status=200)
    if sessions.is_for_one_message(session):
        return _the_one(request, session)
    asked, now = Asked.read(request.GET), timezone.now()
    mine = _mine(request, person)
    only = (
        finding.threads(mine, bytes.fromhex(person.lookup), request.brand, session, asked.query, now)
        if asked.query
        else None
    )
    drafts = unsent.of(mine, now)
    page = conversations.page_of(mine, asked.show, asked.page, now, only) if asked.show != DRAFTS else None
    just_hidden = _thread(request.GET.get("hidden", ""))
    context = {
        "items": [letters.inbox_item(conversation, session) for conversation in page.conversations]
        if page
        else [unsent.item(draft, session) for draft in drafts],
        "address": request.session_address,
        "write_to_url": "/write/" if departments.is_open(request.brand) else "",
        "asked": asked.fields,
        "chips": _chips(asked, conversations.count_unread(mine, now), len(drafts)),
        "query": asked.query,
        "longest_query": searching.MOST_CHARACTERS,
        "filtered": asked != Asked(),
        "all_url": INBOX,
        "older_url": replace(asked, page=asked.page + 1).url if page and page.more else "",
        "newer_url": replace(asked, page=asked.page - 1).url if asked.page > 1 else "",
        "hidden_url": Asked(HIDDEN).url if asked.show != HIDDEN and conversations.has_hidden(mine, now) else "",
        "just_hidden": just_hidden.hex if just_hidden and conversations.is_hidden(mine, just_hidden) else "",
    }
    return render(request, "reading/inbox.html", context)


@require_POST
def hide(request: Request) -> HttpResponse:
    """Take a conversation out of the list, and say so where the person was. No message is deleted or closed by it."""
    mine, asked = _allowed(request), Asked.read(request.POST)
    thread, until = _thread(request.POST.get("conversation", "")), _moment(request.POST.get("until", ""))
    if mine is None or thread is None or until is None:
        return see_other(asked.url)
    done = conversations.hide(mine, thread, until, timezone.now())
    return see_other(asked.url_with(hidden=thread.hex) if done else asked.url)


@require_POST
def undo(request: Request) -> HttpResponse:
    """Put a conversation back into the list."""
    mine, asked = _allowed(request), Asked.read(request.POST)
    thread = _thread(request.POST.get("conversation", ""))
    if mine is not None and thread is not None:
        conversations.bring_back(mine, thread)
    return see_other(asked.url)


def _allowed(request: Request) -> QuerySet[Reader] | None:
    """The readers whose list this browser may change; None where it has no list, and the inbox says what is next."""
    person, session = request.person, request.session_row
    if person is None or session is None or sessions.is_for_one_message(session):
        return None
    return _mine(request, person)


def _mine(request: Request, person: Person) -> QuerySet[Reader]:
    return readers.of_person(bytes.fromhex(person.lookup), request.brand)


def _thread(text: str) -> UUID | None:
    """A conversation as forms name it. It opens nothing, and names nothing but in the list of whom it belongs to."""
    try:
        return UUID(hex=text)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _chips(asked: Asked, unread: int, drafts: int) -> list[dict[str, object]]:
    labels = {
        ALL: _("All"),
        UNREAD: _("Unread {n}").format(n=unread),
        MINE: _("Sent by me"),
        CLOSING: _("Closing soon"),
        **({DRAFTS: _("Drafts {n}").format(n=drafts)} if drafts or asked.show == DRAFTS else {}),
    }
    return [
        {"label": label, "url": replace(asked, show=show, page=1).url, "current": asked.show == show}
        for show, label in labels.items()
    ]


def _the_one(request: Request, session: Session) -> HttpResponse:
    """Where a brand is strict there is no list: the session leads to its message."""
    if session.reader is None:
        return way_in.neutral(request, status=200)
    return HttpResponseRedirect(f"/m/{readers.link_of(session.reader)}")
