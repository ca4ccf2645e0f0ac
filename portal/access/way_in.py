"""The pages on the way in that every way of confirming shares: R1, R2 and the neutral page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import back, passkey_way, people, places, sender_requests, sessions, shares, ways
from portal.access.errors import TooManyTries
from portal.access.models import Person, Provider
from portal.access.places import Place
from portal.access.requests import Request
from portal.access.responses import wait
from portal.vault import readers
from portal.vault.models import Reader

BROWSER_SECONDS = 3600
REFUSED = 422
page = require_http_methods(["GET", "HEAD", "POST"])


def choose(request: Request, reader: Reader, note: str = "", status: int = 200, *, prove: bool = False) -> HttpResponse:
    """R1: who wrote, and the button that mails a passcode. The same for open, closed and withdrawn messages.

    `prove` is for whoever is signed in and is to show anew who they are.
    """
    note = note or request.session_ended or _each_on_its_own(request)
    offered = ways.at(request, reader)
    place, shown = places.at_link(reader), places.masked(readers.address_of(reader))
    context = {**place.context(), **shown, **passkey_way.of(request, reader), "note": note, "ways": offered}
    context["prove"] = prove
    response = render(request, "access/choose.html", context, status=status)
    back.keep(request, response, place)
    return ways.under_policy(response, offered.origins)


def _each_on_its_own(request: Request) -> str:
    """Why someone who is signed in must confirm once more: a strict brand's session is for one message."""
    session = request.session_row
    if session is None or not sessions.is_for_one_message(session):
        return ""
    return _("Here each message is confirmed on its own. Confirm your address for this one as well.")


def neutral(request: Request, status: int = 404) -> HttpResponse:
    """The page for a link that leads nowhere, and for none: it asks for an address and tells nothing."""
    note = request.session_ended
    response = find_page(request, status, note=note, link_typed=status == 404)
    back.keep(request, response, places.neutral(request.brand))
    return response


def find_with(request: Request, note: str, *, again: Provider | None = None) -> HttpResponse:
    """The neutral page, saying why a sign-in led nowhere; at `again` another account may do."""
    return find_page(request, REFUSED, note=note, again=again)


def other_address(
    request: Request,
    reader: Reader,
    holder: Person | None = None,
    *,
    address: str = "",
    provider: Provider | None = None,
) -> HttpResponse:
    """R2: signed in, as someone else; or not at all, by a passkey whose `holder` is someone else, or at a provider."""
    envelope, offered = places.envelope_of(reader), ways.at(request, reader)
    person = holder or request.person
    context = {
        "note": request.session_ended,
        "by_passkey": holder is not None,
        **places.at_link(reader).context(),
        **places.masked(readers.address_of(reader)),
        "address": address or (people.address_of(person) if person else ""),
        "provider": provider,
        "account_url": reverse("sign-in", args=[readers.link_of(reader), provider.slug]) if provider else "",
        "ways": offered,
        "sender_name": envelope.sender_name or envelope.sender_address,
        "ask_sender_url": sender_requests.url_of(reader),
    }
    response = render(request, "access/other_address.html", context, status=403)
    return ways.under_policy(response, (*offered.origins, *(ways.origins_of(provider) if provider else ())))


def prove_again(request: Request, reader: Reader, note: str, page: str = "") -> HttpResponse:
    """R1 for whoever is signed in at a message and is to show anew who they are, before what must not be done in a
    browser that was left open. They come back to `page`, or to the one that was asked for."""
    response = choose(request, reader, note, 403, prove=True)
    back.keep(request, response, places.at_link(reader), always=True, page=page)
    return response


def too_many_tries(request: Request, error: TooManyTries, reader: Reader | None = None) -> HttpResponse:
    """R6, with the way back to a reader's message."""
    return wait(request, error, places.at_link(reader) if reader else None)


def find_page(
    request: Request,
    status: int,
    *,
    address_value: str = "",
    error: str = "",
    note: str = "",
    link_typed: bool = False,
    again: Provider | None = None,
    prove: bool = False,
) -> HttpResponse:
    """The neutral page, whatever is said on it. It tells of no message and no address."""
    offered = ways.neutral(request)
    context = {
        "ways": offered,
        "again": again.slug if again else "",
        "address_value": address_value,
        "error": error,
        "note": note,
        "link_typed": link_typed,
        "prove": prove,
        "find_url": reverse("find"),
        "host": places.host(request.brand),
        **passkey_way.of(request, None),
    }
    return ways.under_policy(render(request, "access/find.html", context, status=status), offered.origins)


def elsewhere(request: Request, place: Place, sentence: str, status: int = REFUSED) -> HttpResponse:
    """Nothing was asked for in this browser: the page to ask on, with the sentence."""
    if place.errand is not None:
        return place.errand.page(request, sentence, status)
    if place.reader is not None:
        return choose(request, place.reader, note=sentence, status=status)
    return find_page(request, status, note=sentence)


def keeping_share(request: Request, reader: Reader, response: HttpResponse) -> HttpResponse:
    """The browser keeps the message code that came with a form; whether it is right shows after the proof."""
    share = shares.posted(request) if reader.message.split else b""
    if share:
        shares.keep(response, reader, share)
    return response
