"""R4: someone who confirmed another address asks the sender to send the message there too.

Nothing is opened and nobody is added: the sender gets a mail and decides. Only a proved address is ever named in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import expired, people, places, sender_requests, way_in
from portal.access.clock import clock, whole_minute
from portal.access.requests import Request
from portal.access.responses import retry_after, see_other
from portal.delivery import naming
from portal.mime.addresses import clean_name
from portal.vault import readers
from portal.vault.models import Reader

LONGEST_NOTE = 200


@dataclass(frozen=True)
class Shown:
    """What the page says besides its form."""

    note_value: str = ""
    error: str = ""
    note: str = ""
    done: bool = False

    def __repr__(self) -> str:
        return "Shown(…)"


@require_http_methods(["GET", "HEAD", "POST"])
def ask_sender(request: Request, link: str) -> HttpResponse:
    reader = places.reader_at(link, request.brand)
    if reader is None or not sender_requests.is_offered(reader):
        return way_in.neutral(request)
    person = request.person
    if person is None:
        return way_in.choose(request, reader)
    if people.reads(person, reader):
        return see_other(f"/m/{readers.link_of(reader)}")
    if request.method != "POST":
        return _page(request, reader, Shown(done="done" in request.GET and sender_requests.was_told(reader, person)))
    written = _written(request)
    # It would be our mail that carries the link to the sender.
    if naming.link_like(written):
        return _page(request, reader, Shown(written, _("Leave links and addresses out of your message.")), 422)
    until = sender_requests.ask(reader, person, written, timezone.now())
    if until is None:
        return see_other(f"{sender_requests.url_of(reader)}?done")
    error = _("You can ask again at {time}.").format(time=clock(whole_minute(until)))
    response = _page(request, reader, Shown(written, error), 429)
    retry_after(response, whole_minute(until))
    return response


def _again(request: Request, link: str) -> HttpResponse:
    """The page when its form was open for too long, with what was written."""
    reader = places.reader_at(link, request.brand)
    if reader is None or not sender_requests.is_offered(reader):
        return way_in.neutral(request)
    if request.person is None or people.reads(request.person, reader):
        return way_in.choose(request, reader, status=expired.STATUS)
    return _page(request, reader, Shown(_written(request), note=expired.sentence(request)), expired.STATUS)


expired.register("ask-sender", _again)


def _written(request: Request) -> str:
    return clean_name(request.POST.get("note", "")[:LONGEST_NOTE])


def _page(request: Request, reader: Reader, shown: Shown, status: int = 200) -> HttpResponse:
    envelope = places.envelope_of(reader)
    context = {
        "sender": envelope.sender_name or envelope.sender_address,
        "address": request.session_address,
        "url": sender_requests.url_of(reader),
        "longest": LONGEST_NOTE,
        **{name: getattr(shown, name) for name in ("note_value", "error", "note", "done")},
    }
    return render(request, "access/ask_sender.html", context, status=status)
