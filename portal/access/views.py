"""The pages on the way in: R1 to R3, R6, R16 and the neutral page."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import (
    back,
    ceilings,
    cookies,
    expired,
    passcodes,
    passkey_way,
    people,
    places,
    proving,
    sender_requests,
    sessions,
    shares,
    undelivered,
    ways,
)
from portal.access.errors import AskedTooSoon, OtherBrowser, PasscodeRefused, PasscodesOff, TooManyTries
from portal.access.forms import AddressForm, PasscodeForm
from portal.access.models import Challenge, Person, Provider, Session
from portal.access.passcodes import Browser, Claim
from portal.access.places import Place
from portal.access.requests import Request
from portal.access.responses import retry_after, see_other, wait
from portal.audit.record import record
from portal.mime.errors import BadAddress
from portal.vault import readers
from portal.vault.models import Reader

BROWSER_SECONDS = 3600
REFUSED = 422
page = require_http_methods(["GET", "HEAD", "POST"])


# ------------------------------------------------------------------------------------------- for the reading room


def choose(request: HttpRequest, reader: Reader, note: str = "", status: int = 200) -> HttpResponse:
    """R1: who wrote, and the button that mails a passcode. The same for open, closed and withdrawn messages."""
    note = note or getattr(request, "session_ended", "") or _each_on_its_own(request)
    offered = ways.at(request, reader)  # type: ignore[arg-type]
    place, shown = places.at_link(reader), places.masked(readers.address_of(reader))
    context = {**place.context(), **shown, **passkey_way.of(request, reader), "note": note, "ways": offered}
    response = render(request, "access/choose.html", context, status=status)
    back.keep(request, response, place)
    return ways.under_policy(response, offered.origins)


def _each_on_its_own(request: HttpRequest) -> str:
    """Why someone who is signed in must confirm once more: a strict brand's session is for one message."""
    session: Session | None = request.session_row  # type: ignore[attr-defined]
    if session is None or not sessions.is_for_one_message(session):
        return ""
    return _("Here each message is confirmed on its own. Confirm your address for this one as well.")


def neutral(request: HttpRequest, status: int = 404) -> HttpResponse:
    """The page for a link that leads nowhere, and for none: it asks for an address and tells nothing."""
    note = getattr(request, "session_ended", "")
    response = _find(request, status, note=note, link_typed=status == 404)  # type: ignore[arg-type]
    back.keep(request, response, places.neutral(request.brand))  # type: ignore[attr-defined]
    return response


def find_with(request: Request, note: str) -> HttpResponse:
    """The neutral page, saying why a sign-in led nowhere."""
    return _find(request, REFUSED, note=note)


def other_address(
    request: HttpRequest,
    reader: Reader,
    holder: Person | None = None,
    *,
    address: str = "",
    provider: Provider | None = None,
) -> HttpResponse:
    """R2: signed in, as someone else; or not at all, by a passkey whose `holder` is someone else, or at a provider."""
    envelope, offered = places.envelope_of(reader), ways.at(request, reader)  # type: ignore[arg-type]
    person = holder or request.person  # type: ignore[attr-defined]
    context = {
        "by_passkey": holder is not None,
        **places.at_link(reader).context(),
        **places.masked(readers.address_of(reader)),
        "address": address or people.address_of(person),
        "provider": provider,
        "account_url": reverse("sign-in", args=[readers.link_of(reader), provider.slug]) if provider else "",
        "ways": offered,
        "sender_name": envelope.sender_name or envelope.sender_address,
        "ask_sender_url": sender_requests.url_of(reader),
    }
    response = render(request, "access/other_address.html", context, status=403)
    return ways.under_policy(response, (*offered.origins, *(ways.origins_of(provider) if provider else ())))


def too_many_tries(request: HttpRequest, error: TooManyTries) -> HttpResponse:
    """R6."""
    return wait(request, error)


# --------------------------------------------------------------------------------------------------- at a message


@page
def ask(request: Request, link: str) -> HttpResponse:
    reader = places.reader_at(link, request.brand)
    if reader is None:
        return neutral(request)
    place = places.at_link(reader)
    if request.method != "POST":
        return see_other(place.back_url)
    return keeping_share(request, reader, ask_at(request, place, Claim.of_reader(reader)))


@page
def passcode(request: Request, link: str) -> HttpResponse:
    """R3 at a message."""
    reader = places.reader_at(link, request.brand)
    if reader is None:
        return neutral(request)
    place = places.at_link(reader)
    if request.method == "POST":
        return keeping_share(request, reader, _check(request, place))
    challenge = passcodes.latest(place.brand, reader, _browser(request))
    over = challenge is None or challenge.refusal(timezone.now()) is not None
    if challenge is None or (over and sessions.opens(request.session_row, reader)):
        return see_other(place.back_url)
    return _passcode_page(request, place, challenge)


# --------------------------------------------------------------------------------------------- on the neutral page


@page
def find(request: Request) -> HttpResponse:
    if request.method != "POST":
        return neutral(request, status=200)
    typed = AddressForm.of(request.POST).address
    if not typed:
        return _find(request, REFUSED, error=_("Enter the email address this message was sent to."))
    try:
        claim = Claim.of_address(request.brand, typed)
    except BadAddress:
        error = _("{address} is not a complete address.").format(address=typed)
        return _find(request, REFUSED, address_value=typed, error=error)
    return ask_at(request, places.neutral(request.brand), claim)


@page
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


@page
def find_again(request: Request) -> HttpResponse:
    """Another passcode for the address that this browser typed."""
    return resend_at(request, places.neutral(request.brand))


def resend_at(request: Request, place: Place) -> HttpResponse:
    """The same where no message is asked for."""
    challenge = _latest(request, place)
    if request.method != "POST" or challenge is None:
        return see_other(place.check_url)
    return ask_at(request, place, passcodes.claim_of(challenge))


# --------------------------------------------------------------------------------------------------------- leaving


@page
def sign_out(request: Request) -> HttpResponse:
    """End the sessions of this browser at once. A GET, as of a curious robot, ends nothing."""
    if request.method != "POST":
        return see_other("/")
    for row in (request.session_row, request.office_row, request.half_row):
        if row is not None:
            sessions.end(row)
    if request.session_row is not None:
        record("recipient.signed_out", which="here")
    # Nobody mailed an administrator a button to come back by.
    office = request.session_row is None and request.office_row is not None
    response = see_other(reverse("signed-out") + ("?office" if office else ""))
    cookies.drop(response, cookies.SESSION)
    cookies.drop(response, cookies.OFFICE)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@require_http_methods(["GET", "HEAD"])
def signed_out(request: Request) -> HttpResponse:
    return render(request, "access/signed_out.html", {"note": "", "office": "office" in request.GET})


# ---------------------------------------------------------------------------------- forms that were open for too long


def _ask_again(request: Request, link: str) -> HttpResponse:
    reader = places.reader_at(link, request.brand)
    if reader is None:
        return neutral(request)
    response = choose(request, reader, note=expired.sentence(request), status=expired.STATUS)
    return keeping_share(request, reader, response)


def _passcode_again(request: Request, link: str = "") -> HttpResponse:
    """Nothing is compared or counted; the digits stay in the field."""
    reader = places.reader_at(link, request.brand) if link else None
    if link and reader is None:
        return neutral(request)
    response = too_old_at(request, places.at_link(reader) if reader else places.neutral(request.brand))
    return keeping_share(request, reader, response) if reader else response


def too_old_at(request: Request, place: Place) -> HttpResponse:
    """The page that takes the passcode, when its form was open for too long."""
    challenge = _latest(request, place)
    note, form = expired.sentence(request), PasscodeForm.of(request.POST)
    if challenge is None:
        return elsewhere(request, place, note, expired.STATUS)
    return _passcode_page(request, place, challenge, form=form, note=note, status=expired.STATUS)


def _find_again(request: Request) -> HttpResponse:
    typed = AddressForm.of(request.POST).address
    return _find(request, expired.STATUS, address_value=typed, note=expired.sentence(request))


for _name, _again in (
    ("ask", _ask_again),
    ("passcode", _passcode_again),
    ("find-passcode", _passcode_again),
    ("find-again", _passcode_again),
    ("find", _find_again),
):
    expired.register(_name, _again)


# ------------------------------------------------------------------------------------------------- what they share


def ask_at(request: Request, place: Place, claim: Claim) -> HttpResponse:
    if not ways.passcode_at(place):
        return elsewhere(request, place, PasscodesOff(at_message=place.reader is not None).sentence)
    token = cookies.read(request, cookies.BROWSER) or cookies.new_token()
    browser = replace(_browser(request), token=cookies.digest(token))
    try:
        passcodes.ask(claim, browser)
    except TooManyTries as error:
        return wait(request, error, place)
    except PasscodeRefused as error:
        challenge = passcodes.latest(place.brand, place.reader, browser, place.errand_name)
        return _passcode_page(request, place, challenge, refused=error, status=429)
    response = see_other(place.check_url)
    cookies.write(response, cookies.BROWSER, token, BROWSER_SECONDS)
    return response


def _check(request: Request, place: Place) -> HttpResponse:
    form = PasscodeForm.of(request.POST)
    browser = _browser(request)
    try:
        challenge = passcodes.check(place.brand, place.reader, browser, form.code, place.errand_name)
    except TooManyTries as error:
        return wait(request, error, place)
    except OtherBrowser as error:
        return elsewhere(request, place, error.sentence)
    except PasscodeRefused as error:
        asked = _latest(request, place)
        return _passcode_page(request, place, asked, refused=error, form=form, status=REFUSED)
    if place.errand is not None:
        return place.errand.done(request, challenge)
    reader = place.reader or readers.of_person(bytes(challenge.address_lookup), place.brand).first()
    if reader is None:  # the last message to the address was removed in this very moment
        return elsewhere(request, place, OtherBrowser().sentence)
    Challenge.objects.filter(pk=challenge.pk).update(user=people.of_reader(reader))
    return proving.welcome(request, place, reader, method=sessions.PASSCODE, keep=form.keep)


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
        return elsewhere(request, place, refused.sentence if refused else "")
    refused = refused or challenge.refusal(timezone.now())
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
    if isinstance(refused, AskedTooSoon):
        retry_after(response, refused.next_at)
    return response


def keeping_share(request: Request, reader: Reader, response: HttpResponse) -> HttpResponse:
    """The browser keeps the message code that came with a form; whether it is right shows after the proof."""
    share = shares.posted(request) if reader.message.split else b""
    if share:
        shares.keep(response, reader, share)
    return response


def _asks_code(request: Request, reader: Reader | None) -> bool:
    return reader is not None and bool(reader.message.split) and not (shares.kept(request) or shares.posted(request))


def elsewhere(request: Request, place: Place, sentence: str, status: int = REFUSED) -> HttpResponse:
    """Nothing was asked for in this browser: the page to ask on, with the sentence."""
    if place.errand is not None:
        return place.errand.page(request, sentence, status)
    if place.reader is not None:
        return choose(request, place.reader, note=sentence, status=status)
    return _find(request, status, note=sentence)


def _find(
    request: Request, status: int, *, address_value: str = "", error: str = "", note: str = "", link_typed: bool = False
) -> HttpResponse:
    context = {
        "address_value": address_value,
        "error": error,
        "note": note,
        "link_typed": link_typed,
        "find_url": reverse("find"),
        "host": places.host(request.brand),
        **passkey_way.of(request, None),
    }
    return render(request, "access/find.html", context, status=status)


def _latest(request: Request, place: Place) -> Challenge | None:
    return passcodes.latest(place.brand, place.reader, _browser(request), place.errand_name)


def _browser(request: Request) -> Browser:
    token, trusted = cookies.read(request, cookies.BROWSER), cookies.read(request, cookies.TRUSTED)
    origin = ceilings.origin_of(request.META)
    return Browser(cookies.digest(token) if token else b"", cookies.digest(trusted) if trusted else b"", origin)
