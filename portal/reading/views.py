"""The inbox and the message page."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.access import passkey_settings, sessions
from portal.access import views as door
from portal.access.models import Session
from portal.access.requests import Request
from portal.audit.record import record
from portal.reading import admission, letters, policies
from portal.vault import readers
from portal.vault.models import Reader
from portal.vault.opening import Opened

INBOX_PAGE = 25


@require_safe
def start(request: Request) -> HttpResponse:
    """The portal's root: the messages of whoever is signed in."""
    return HttpResponseRedirect("/inbox/")


@require_safe
def inbox(request: Request) -> HttpResponse:
    """R7: this brand's messages to the signed-in address, newest first."""
    person, session = request.person, request.session_row
    if person is None or session is None:
        return door.neutral(request, status=200)
    if sessions.is_for_one_message(session):
        return _the_one(request, session)
    page = request.GET.get("page", "1")
    number = max(int(page), 1) if page.isdecimal() and len(page) < 7 else 1
    start = (number - 1) * INBOX_PAGE
    found = list(readers.of_person(bytes.fromhex(person.lookup), request.brand)[start : start + INBOX_PAGE + 1])
    context = {
        "items": [letters.inbox_item(reader, request.session_row) for reader in found[:INBOX_PAGE]],
        "address": request.session_address,
        "older_url": f"/inbox/?page={number + 1}" if len(found) > INBOX_PAGE else "",
        "newer_url": f"/inbox/?page={number - 1}" if number > 1 else "",
    }
    return render(request, "reading/inbox.html", context)


def _the_one(request: Request, session: Session) -> HttpResponse:
    """Where a brand is strict there is no list: the session leads to its message."""
    if session.reader is None:
        return door.neutral(request, status=200)
    return HttpResponseRedirect(f"/m/{readers.link_of(session.reader)}")


@require_safe
@admission.page
def message(request: Request, reader: Reader, opened: Opened) -> HttpResponse:
    """R8. Being shown to a confirmed person is what counts as opened; a HEAD shows nothing."""
    session = request.session_row
    alone = session is None or sessions.is_for_one_message(session)
    context = {**letters.message_page(reader, opened, session, alone=alone), **passkey_settings.offer(request)}
    answer = render(request, "reading/message.html", context)
    if request.method == "GET":
        first = readers.mark_opened(reader)
        record("message.opened", message=reader.message_id, reader=reader.id, first=first)
    return answer


@require_safe
@admission.content
def body(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
    """The HTML body as a document of its own, for the sandboxed frame."""
    html = opened.body(opened.toc.html)
    context = {"html": html, "subject": opened.toc.subject, "rights": opened.rights}
    return policies.under(policies.BODY, render(request, "reading/body.html", context))
