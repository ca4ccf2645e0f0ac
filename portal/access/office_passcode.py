"""Saying again that it is you, by a passcode to one's own mailbox: for administrators who have nothing better yet."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.access import budgets, ceilings, cookies, expired, office, office_ways, passcodes, people, sessions
from portal.access.clock import clock, whole_minute
from portal.access.decorators import OFFICE
from portal.access.errors import AskedTooSoon, OtherBrowser, PasscodeRefused, TooManyTries
from portal.access.models import Challenge, Session
from portal.access.passcodes import Browser, Claim
from portal.access.proving import TRUSTED_SECONDS
from portal.access.requests import Request
from portal.access.responses import retry_after, see_other
from portal.access.way_in import BROWSER_SECONDS

ERRAND = "office"
"""As in portal.access.models.Challenge: it opens no message, and no message's passcode is taken here."""


@office.forms
def ask(request: Request) -> HttpResponse:
    """Mail a passcode to the address of whoever is signed in here; nobody types an address."""
    row = request.office_row
    if request.method != "POST" or row is None or not office_ways.may_mail_passcode(row):
        return see_other(_at("how-to-enter", request))
    token = cookies.read(request, cookies.BROWSER) or cookies.new_token()
    browser = replace(_browser(request), token=cookies.digest(token))
    try:
        passcodes.ask(Claim.of_address(request.brand, people.address_of(row.person), ERRAND), browser)
    except TooManyTries as error:
        return _wait(request, error)
    except AskedTooSoon as error:
        response = _page(request, row, passcodes.latest(request.brand, None, browser, ERRAND), error, status=429)
        retry_after(response, error.next_at)
        return response
    response = see_other(_at("enter-passcode", request))
    cookies.write(response, cookies.BROWSER, token, BROWSER_SECONDS)
    return response


@office.forms
def passcode(request: Request) -> HttpResponse:
    """Take it in the browser that asked: a proof of this moment, as much as a mailed link is."""
    row, browser = request.office_row, _browser(request)
    asked = passcodes.latest(request.brand, None, browser, ERRAND)
    if row is None or asked is None or not _is_theirs(asked, row) or not office_ways.may_mail_passcode(row):
        return see_other(_at("how-to-enter", request))
    if request.method != "POST":
        return _page(request, row, asked, asked.refusal(timezone.now()))
    try:
        passcodes.check(request.brand, None, browser, request.POST.get("code", "")[:40], ERRAND)
    except TooManyTries as error:
        return _wait(request, error)
    except PasscodeRefused as error:
        return _page(request, row, passcodes.latest(request.brand, None, browser, ERRAND), error, status=422)
    trusted = cookies.read(request, cookies.TRUSTED) or cookies.new_token()
    budgets.trust(cookies.digest(trusted), bytes(asked.address_lookup), timezone.now())
    goal = office.back_of(request)
    response = office.let_in(request, row.person, method=sessions.PASSCODE, goal=goal, says="proved")
    cookies.write(response, cookies.TRUSTED, trusted, TRUSTED_SECONDS)
    return response


def _again(request: Request) -> HttpResponse:
    """The page of a form that was open for too long; what was typed is typed once more."""
    row, asked = request.office_row, passcodes.latest(request.brand, None, _browser(request), ERRAND)
    if row is None or asked is None or not _is_theirs(asked, row):
        return office.page(request, {"state": "ways", "error": expired.sentence(request)}, status=expired.STATUS)
    return _page(request, row, asked, None, note=expired.sentence(request), status=expired.STATUS)


for _name in ("enter-passcode-ask", "enter-passcode"):
    expired.register(_name, _again)


def _page(
    request: Request,
    row: Session,
    asked: Challenge | None,
    refused: PasscodeRefused | None,
    *,
    note: str = "",
    status: int = 200,
) -> HttpResponse:
    if asked is None:
        sentence = refused.sentence if refused else OtherBrowser().sentence
        return office.page(request, {"state": "ways", "error": sentence}, status=status)
    said = f"{refused.sentence} {refused.left}".strip() if refused else note
    context = {
        "state": "passcode",
        "typed": people.address_of(row.person),
        "reference": asked.reference,
        "sent_at": asked.sent_at,
        "until": asked.expires_at,
        "dead": refused.dead if refused else False,
        "error": said,
        "bad_code": refused is not None and not isinstance(refused, AskedTooSoon),
    }
    return office.page(request, context, status=status)


def _wait(request: Request, error: TooManyTries) -> HttpResponse:
    until = whole_minute(error.until)
    sentence = _("There have been too many tries. You can try again at {time}.").format(time=clock(until))
    response = office.page(request, {"state": "ways", "error": sentence}, status=429)
    retry_after(response, until)
    return response


def _is_theirs(asked: Challenge, row: Session) -> bool:
    """Another administrator may have signed in here since it was asked for."""
    return bytes(asked.address_lookup).hex() == row.person.lookup


def _at(name: str, request: Request) -> str:
    goal = office.back_of(request)
    return reverse(name) + ("" if goal == OFFICE else "?" + urlencode({"next": goal}))


def _browser(request: Request) -> Browser:
    token, trusted = cookies.read(request, cookies.BROWSER), cookies.read(request, cookies.TRUSTED)
    known = cookies.digest(trusted) if trusted else b""
    return Browser(cookies.digest(token) if token else b"", known, ceilings.origin_of(request.META))
