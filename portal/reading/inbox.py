"""The inbox (R7): a person's conversations under one brand. All of it are links and forms, and none needs a script."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.access import sessions
from portal.access import views as door
from portal.access.models import Session
from portal.access.requests import Request
from portal.reading import conversations, letters
from portal.reading.conversations import ALL, CLOSING, MINE, UNREAD
from portal.vault import readers

INBOX = "/inbox/"


@dataclass(frozen=True)
class Asked:
    """What of the inbox is looked at."""

    show: str = ALL
    page: int = 1

    @classmethod
    def read(cls, fields: QueryDict) -> Asked:
        """From a page's address or a form; what makes no sense there is left out."""
        show, page = fields.get("show", ALL), fields.get("page", "1")
        return cls(
            show if show in (UNREAD, MINE, CLOSING) else ALL,
            max(int(page), 1) if page.isdecimal() and len(page) < 7 else 1,
        )

    @property
    def url(self) -> str:
        """Its address."""
        said = {"show": self.show if self.show != ALL else "", "page": str(self.page) if self.page > 1 else ""}
        query = urlencode({name: value for name, value in said.items() if value})
        return f"{INBOX}?{query}" if query else INBOX


@require_safe
def inbox(request: Request) -> HttpResponse:
    """R7: this brand's conversations with the signed-in address, newest first."""
    person, session = request.person, request.session_row
    if person is None or session is None:
        return door.neutral(request, status=200)
    if sessions.is_for_one_message(session):
        return _the_one(request, session)
    asked, now = Asked.read(request.GET), timezone.now()
    mine = readers.of_person(bytes.fromhex(person.lookup), request.brand)
    page = conversations.page_of(mine, asked.show, asked.page, now)
    context = {
        "items": [letters.inbox_item(conversation, session) for conversation in page.conversations],
        "address": request.session_address,
        "chips": _chips(asked, conversations.count_unread(mine, now)),
        "filtered": asked.show != ALL,
        "all_url": INBOX,
        "older_url": replace(asked, page=asked.page + 1).url if page.more else "",
        "newer_url": replace(asked, page=asked.page - 1).url if asked.page > 1 else "",
    }
    return render(request, "reading/inbox.html", context)


def _chips(asked: Asked, unread: int) -> list[dict[str, object]]:
    labels = {
        ALL: _("All"),
        UNREAD: _("Unread {n}").format(n=unread),
        MINE: _("Sent by me"),
        CLOSING: _("Closing soon"),
    }
    return [
        {"label": label, "url": replace(asked, show=show, page=1).url, "current": asked.show == show}
        for show, label in labels.items()
    ]


def _the_one(request: Request, session: Session) -> HttpResponse:
    """Where a brand is strict there is no list: the session leads to its message."""
    if session.reader is None:
        return door.neutral(request, status=200)
    return HttpResponseRedirect(f"/m/{readers.link_of(session.reader)}")
