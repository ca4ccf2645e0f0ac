"""Asking for a passcode and typing it: R3 at a message, on the neutral page, and before a change in the settings."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.access import (
    back,
    budgets,
    ceilings,
    cookies,
    expired,
    passcodes,
    people,
    places,
    proving,
    sessions,
    shares,
    undelivered,
    way_in,
    ways,
)
from portal.access.errors import (
    AccessError,
    AskedTooSoon,
    OtherBrowser,
    PasscodeRefused,
    PasscodesOff,
    PasscodeUsed,
    TooManyTries,
)
from portal.access.forms import AddressForm, PasscodeForm
from portal.access.models import Challenge
from portal.access.passcodes import Browser, Claim
from portal.access.places import Place
from portal.access.requests import Request
from portal.access.responses import retry_after, see_other, wait
from portal.mime.errors import BadAddress
from portal.vault import readers
from portal.vault.models import Reader

# --------------------------------------------------------------------------------------------------- at a message


@way_in.page
def ask(request: Request, link: str) -> HttpResponse:
    reader = places.reader_at(link, request.brand)
    if reader is None:
        return way_in.neutral(request)
    place = places.at_link(reader)
    if request.method != "POST":
        return see_other(place.back_url)
    return way_in.keeping_share(request, reader, ask_at(request, place, Claim.of_reader(reader)))


@way_in.page
def passcode(request: Request, link: str) -> HttpResponse:
    """R3 at a message."""
    reader = places.reader_at(link, request.brand)
    if reader is None:
        return way_in.neutral(request)
    place = places.at_link(reader)
    if request.method == "POST":
        return way_in.keeping_share(request, reader, _check(request, place))
    challenge = passcodes.latest(place.brand, reader, _browser(request))
    over = challenge is None or passcodes.refusal(challenge, timezone.now()) is not None
    if challenge is None or (over and sessions.opens(request.session_row, reader)):
        return see_other(place.back_url)
    return _passcode_page(request, place, challenge)


# --------------------------------------------------------------------------------------------- on the neutral page


@way_in.page
def find(request: Request) -> HttpResponse:
    if request.method != "POST":
        return way_in.neutral(request, status=200)
    typed = AddressForm.of(request.POST).address
    if not typed:
        return way_in.find_page(request, way_in.REFUSED, error=_("Enter the email address this message was sent to."))
    try:
        claim = Claim.of_address(request.brand, typed)
    except BadAddress:
        error = _("{address} is not a complete address.").format(address=typed)
        return way_in.find_page(request, way_in.REFUSED, address_value=typed, error=error)
    return ask_at(request, places.neutral(request.brand), claim)


@way_in.page
def find_passcode(request: Request) -> HttpResponse:
    """R3 for a typed address; the same whether anyone has it."""
    return passcode_at(request, places.neutral(request.brand))


def passcode_at(request: Request, place: Place) -> HttpResponse:
    """R3 where no message is asked for."""
    if request.method == "POST":
        return _check(request, place)
    challenge = _latest(request, place)
    if challenge is None:
        return see_other(place.back_url)
    return _passcode_page(request, place, challenge)


@way_in.page
def find_again(request: Request) -> HttpResponse:
    """Another passcode for the address that this browser typed."""
    return resend_at(request, places.neutral(request.brand))


def resend_at(request: Request, place: Place) -> HttpResponse:
    """The same where no message is asked for."""
    challenge = _latest(request, place)
    if request.method != "POST" or challenge is None:
        return see_other(place.check_url)
    return ask_at(request, place, passcodes.claim_of(challenge))


# ---------------------------------------------------------------------------------- forms that were open for too long


def _ask_again(request: Request, link: str, slug: str = "") -> HttpResponse:
    """R1 again, whichever of its buttons was pressed."""
    reader = places.reader_at(link, request.brand)
    if reader is None:
        return way_in.neutral(request)
    response = way_in.choose(request, reader, note=expired.sentence(request), status=expired.STATUS)
    return way_in.keeping_share(request, reader, response)


def _passcode_again(request: Request, link: str = "") -> HttpResponse:
    """Nothing is compared or counted; the digits stay in the field."""
    reader = places.reader_at(link, request.brand) if link else None
    if link and reader is None:
        return way_in.neutral(request)
    response = too_old_at(request, places.at_link(reader) if reader else places.neutral(request.brand))
    return way_in.keeping_share(request, reader, response) if reader else response


def too_old_at(request: Request, place: Place) -> HttpResponse:
    """The page that takes the passcode, when its form was open for too long."""
    challenge = _latest(request, place)
    note, form = expired.sentence(request), PasscodeForm.of(request.POST)
    if challenge is None:
        return way_in.elsewhere(request, place, note, expired.STATUS)
    return _passcode_page(request, place, challenge, form=form, note=note, status=expired.STATUS)


def _find_again(request: Request, slug: str = "") -> HttpResponse:
    typed = AddressForm.of(request.POST).address
    return way_in.find_page(request, expired.STATUS, address_value=typed, note=expired.sentence(request))


for _name, _again in (
    ("ask", _ask_again),
    ("sign-in", _ask_again),
    ("passkey", _ask_again),
    ("find-sign-in", _find_again),
    ("find-by-passkey", _find_again),
    ("passcode", _passcode_again),
    ("find-passcode", _passcode_again),
    ("find-again", _passcode_again),
    ("find", _find_again),
):
    expired.register(_name, _again)


# ------------------------------------------------------------------------------------------------- what they share


def ask_at(request: Request, place: Place, claim: Claim) -> HttpResponse:
    if not ways.passcode_at(place):
        return way_in.elsewhere(request, place, PasscodesOff().sentence)
    token = cookies.browser_token(request)
    browser = replace(_browser(request), token=cookies.digest(token))
    try:
        passcodes.ask(claim, browser)
    except TooManyTries as error:
        return wait(request, error, place)
    except PasscodeRefused as error:
        challenge = passcodes.latest(place.brand, place.reader, browser, place.errand_name)
        response = _passcode_page(request, place, challenge, refused=error, status=429)
    else:
        response = see_other(place.check_url)
    cookies.write(response, cookies.BROWSER, token, way_in.BROWSER_SECONDS)
    return response


def _check(request: Request, place: Place) -> HttpResponse:
    form, asked = PasscodeForm.of(request.POST), _latest(request, place)
    try:
        if place.errand is not None:
            return place.errand.done(request, _taken(request, place, form))
        if asked is None:
            raise OtherBrowser
        # One press at a time: the second one finds what the first one began.
        with budgets.one_at_a_time(bytes(asked.address_lookup)):
            # Handed out, not raised: an exception would undo the counting of what it reports.
            answer = _let_in(request, place, form)
        if isinstance(answer, AccessError):
            raise answer
        return answer
    except TooManyTries as error:
        return wait(request, error, place)
    except OtherBrowser as error:
        return way_in.elsewhere(request, place, error.sentence)
    except PasscodeRefused as error:
        row, asked = request.session_row, _latest(request, place)
        if isinstance(error, PasscodeUsed) and asked and row and bytes(row.token) == bytes(asked.began):
            return see_other(back.goal(request, place))  # the second of two presses: this browser is in already
        return _passcode_page(request, place, asked, refused=error, form=form, status=way_in.REFUSED)


def _taken(request: Request, place: Place, form: PasscodeForm) -> Challenge:
    return passcodes.check(place.brand, place.reader, _browser(request), form.code, place.errand_name)


def _let_in(request: Request, place: Place, form: PasscodeForm) -> HttpResponse | AccessError:
    try:
        challenge = _taken(request, place, form)
    except AccessError as refused:
        return refused
    reader = place.reader or readers.of_person(bytes(challenge.address_lookup), place.brand).first()
    if reader is None:  # the last message to the address was removed in this very moment
        return OtherBrowser()
    response = proving.welcome(request, place, reader, method=sessions.PASSCODE, keep=form.keep)
    began = cookies.digest(response.cookies[cookies.SESSION].value)
    Challenge.objects.filter(pk=challenge.pk).update(user=people.of_reader(reader), began=began)
    return response


def _passcode_page(
    request: Request,
    place: Place,
    challenge: Challenge | None,
    *,
    refused: PasscodeRefused | None = None,
    form: PasscodeForm | None = None,
    note: str = "",
    status: int = 200,
) -> HttpResponse:
    if challenge is None:
        return way_in.elsewhere(request, place, refused.sentence if refused else "")
    refused = refused or passcodes.refusal(challenge, timezone.now())
    # Whoever pressed twice did nothing wrong, and the passcode on its way is the right one.
    soon = refused if isinstance(refused, AskedTooSoon) else None
    if soon:
        refused, note = None, soon.sentence
    address = challenge.asked_address()
    context = {
        **place.context(),
        **places.masked(address),
        "reference": challenge.reference,
        "sent_at": challenge.sent_at,
        "until": challenge.expires_at,
        "code_value": form.code if form else "",
        "keep": form.keep if form else False,
        "error": refused.sentence if refused else "",
        "left": refused.left if refused else "",
        "dead": refused.dead if refused else False,
        "note": note or undelivered.sentence(place, challenge, address),
        "asks_code": _asks_code(request, place.reader),
        # Whoever is on an errand typed it themselves just now, and sees whether it is right.
        "address": address if place.errand else "",
    }
    template = place.errand.template if place.errand else "access/passcode.html"
    response = render(request, template, context, status=status)
    if soon:
        retry_after(response, soon.next_at)
    return response


def _asks_code(request: Request, reader: Reader | None) -> bool:
    return reader is not None and bool(reader.message.split) and not (shares.kept(request) or shares.posted(request))


def _latest(request: Request, place: Place) -> Challenge | None:
    return passcodes.latest(place.brand, place.reader, _browser(request), place.errand_name)


def _browser(request: Request) -> Browser:
    token, trusted = cookies.read(request, cookies.BROWSER), cookies.read(request, cookies.TRUSTED)
    origin = ceilings.origin_of(request.META)
    return Browser(cookies.digest(token) if token else b"", cookies.digest(trusted) if trusted else b"", origin)
