"""The inbox and the message page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from portal.access import views as door
from portal.audit.record import record
from portal.reading import admission, letters
from portal.vault import readers
from portal.vault.models import Reader
from portal.vault.opening import Opened

INBOX_PAGE = 25


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The portal's root: the messages of whoever is signed in."""
    return HttpResponseRedirect("/inbox/")


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """R7: this brand's messages to the signed-in address, newest first."""
    person = request.person  # type: ignore[attr-defined]
    if person is None:
        return door.neutral(request, status=200)
    page = request.GET.get("page", "1")
    number = max(int(page), 1) if page.isdecimal() and len(page) < 7 else 1
    start = (number - 1) * INBOX_PAGE
    found = list(
        readers.of_person(bytes.fromhex(person.lookup), request.brand)[start : start + INBOX_PAGE + 1]  # type: ignore[attr-defined]
    )
    context = {
        "items": [letters.inbox_item(reader) for reader in found[:INBOX_PAGE]],
        "address": request.session_address,  # type: ignore[attr-defined]
        "older_url": f"/inbox/?page={number + 1}" if len(found) > INBOX_PAGE else "",
        "newer_url": f"/inbox/?page={number - 1}" if number > 1 else "",
    }
    return render(request, "reading/inbox.html", context)


@require_safe
@admission.page
def message(request: HttpRequest, reader: Reader, opened: Opened) -> HttpResponse:
    """R8. Being shown to a confirmed person is what counts as opened; a HEAD shows nothing."""
    answer = render(request, "reading/message.html", letters.message_page(reader, opened))
    if request.method == "GET":
        first = readers.mark_opened(reader)
        record("message.opened", message=reader.message_id, reader=reader.id, first=first)
    return answer


@require_safe
@csp_replace(
    {
        "style-src": ["'unsafe-inline'"],
        "img-src": [SELF, "data:"],
        "script-src": [NONE],
        "connect-src": [NONE],
        "frame-src": [NONE],
        "form-action": [NONE],
        "frame-ancestors": [SELF],
        "sandbox": ["allow-same-origin", "allow-popups", "allow-popups-to-escape-sandbox"],
    }
)
@admission.content
def body(request: HttpRequest, reader: Reader, opened: Opened) -> HttpResponseBase:
    """The HTML body as a document of its own, for the sandboxed frame: no script, no connection, no form."""
    html = opened.body(opened.toc.html)
    return render(request, "reading/body.html", {"html": html, "subject": opened.toc.subject, "rights": opened.rights})
