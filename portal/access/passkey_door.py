"""Signing in by passkey, at a message (R1) and on the neutral page: the browser asks, and posts what it was given."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from portal.access import cookies, passkeys, people, places, proving, sessions, way_in
from portal.access.credentials import Passkey
from portal.access.passkey_errors import PasskeyRefused, PasskeyUnknown
from portal.access.places import Place
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.vault import readers
from portal.vault.models import Reader

LEVEL = 3
"""A key that the person was verified for, bound to this host."""


@require_POST
def ask(request: Request) -> HttpResponse:
    """What the browser is to ask its authenticators. It names nobody, and costs no row."""
    token = cookies.browser_token(request)
    try:
        response = JsonResponse(passkeys.ask_to_sign_in(request.brand, cookies.digest(token)))
    except PasskeyRefused as error:
        return JsonResponse({"error": error.sentence}, status=way_in.REFUSED)
    cookies.write(response, cookies.BROWSER, token, way_in.BROWSER_SECONDS)
    return response


@way_in.page
def at_message(request: Request, link: str) -> HttpResponse:
    reader = readers.by_link(link)
    if reader is None or reader.message.brand_id != request.brand.pk:
        return way_in.neutral(request)
    if request.method != "POST":
        return see_other(places.at_link(reader).back_url)
    # Also when nothing came of it: the page that says so has another way in, and no # in its address any more.
    return way_in.keeping_share(request, reader, _at_message(request, reader))


@way_in.page
def at_inbox(request: Request) -> HttpResponse:
    """On the neutral page: to all messages of the passkey's person at this brand."""
    place = places.neutral(request.brand)
    if request.method != "POST":
        return see_other(place.back_url)
    try:
        passkey = _recognised(request)
    except PasskeyRefused as error:
        return way_in.elsewhere(request, place, error.sentence)
    reader = readers.of_person(bytes.fromhex(passkey.person.lookup), request.brand).first()
    if reader is None:  # every message to them is gone, and the passkey leads nowhere
        return way_in.elsewhere(request, place, PasskeyUnknown().sentence)
    return _welcome(request, place, reader, passkey)


def _at_message(request: Request, reader: Reader) -> HttpResponse:
    place = places.at_link(reader)
    try:
        passkey = _recognised(request)
    except PasskeyRefused as error:
        return way_in.elsewhere(request, place, error.sentence)
    if not people.reads(passkey.person, reader):
        passkeys.of_another(passkey)
        return way_in.other_address(request, reader, holder=passkey.person)
    return _welcome(request, place, reader, passkey)


def _recognised(request: Request) -> Passkey:
    browser = cookies.digest_of(request, cookies.BROWSER)
    return passkeys.recognise(request.brand, browser, request.POST.get("answer", ""))


def _welcome(request: Request, place: Place, reader: Reader, passkey: Passkey) -> HttpResponse:
    how, made = sessions.PASSKEY, passkey.made_at
    return proving.welcome(request, place, reader, method=how, keep=False, level=LEVEL, factor_at=made)
