"""The administrators' way in: the page with every way there is, and each of them: link, passkey, password with app."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portal.access import (
    codes,
    cookies,
    devices,
    entry,
    expired,
    office_ways,
    passkeys,
    passwords,
    people,
    roles,
    said,
    sessions,
    ways,
)
from portal.access.decorators import OFFICE
from portal.access.errors import AccessError
from portal.access.models import Person
from portal.access.office_errors import NotLetIn, OfficeRefused, PasswordClosed
from portal.access.oidc import known
from portal.access.passkey_errors import PasskeyRefused
from portal.access.proving import TRUSTED_SECONDS
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.access.way_in import BROWSER_SECONDS
from portal.audit.record import record
from portal.mime.addresses import LONGEST

HALF = timedelta(minutes=10)
"""How long after the password the authenticator's code may come."""
LEVELS = {sessions.PROVIDER: 2, sessions.PASSKEY: 3, sessions.AUTHENTICATOR: 3}
"""Assurance (docs/assurance.md). No message asks for it here; it is kept as for everyone."""
forms = require_http_methods(["GET", "HEAD", "POST"])
"""A GET of where a form leads is of whoever was refused there and presses Enter in the address bar."""
FAILED = "failed"
_BACK = re.compile(r"(?=.{1,120}\Z)/admin/(?!enter/)(?:[a-z0-9-]+/)*")
"""No longer than the column that keeps it over a sign-in at a provider (portal.access.models.SignIn)."""


@require_http_methods(["GET", "HEAD"])
def how_to_enter(request: Request) -> HttpResponse:
    """Every way in that there is; for whoever is signed in already, to say once more that it is them."""
    failed = {"error": NotLetIn().sentence} if said.word_outside(request) == FAILED else {}
    return page(request, {"state": "ways", **failed})


@forms
def enter(request: Request, secret: str) -> HttpResponse:
    """An administrator's one-time link: GET shows a button, only the button uses the link up."""
    link = entry.find(secret)
    if link is None:
        return page(request, {"state": "over"}, status=410)
    if request.method != "POST":
        return page(request, {"state": "link", "mailed": link.mailed})
    typed = request.POST.get("address", "").strip()[: LONGEST + 1]
    if not entry.is_theirs(link, typed):
        return page(request, {"state": "link", "mailed": True, "typed": typed, "other": True}, status=422)
    person = entry.redeem(link)
    if person is None:
        return page(request, {"state": "over"}, status=410)
    goal = OFFICE if passkeys.of(person, request.brand, office=True).exists() else reverse("first-run")
    return let_in(request, person, method=sessions.ENTRY, goal=goal)


@forms
def password(request: Request) -> HttpResponse:
    """The first step of two; what follows opens nothing but the page that asks for the authenticator's code."""
    if request.method != "POST":
        return see_other(reverse("how-to-enter"))
    typed = request.POST.get("address", "").strip()[: LONGEST + 1]
    given = request.POST.get("password", "")[: passwords.LONGEST + 1]
    try:
        person = passwords.check(typed, given, request.network, cookies.read(request, cookies.TRUSTED))
    except OfficeRefused as refused:
        return refuse(request, refused, typed=typed)
    token = _begin(request, person, sessions.PASSWORD)
    goal = back_of(request)
    response = see_other(reverse("enter-code") + ("" if goal == OFFICE else f"?next={goal}"))
    sessions.set_cookie(response, token, keep=False, name=cookies.OFFICE)
    rotate_token(request)
    return response


@forms
def code(request: Request) -> HttpResponse:
    """The second step: the code of the authenticator app, or a recovery code."""
    half = request.half_row
    if half is None or timezone.now() - half.made_at >= HALF:
        return see_other(reverse("how-to-enter"))
    if request.method != "POST":
        return page(request, {"state": "code"})
    typed = request.POST.get("code", "")[: codes.LONGEST_TYPED]
    try:
        passwords.finish(half, typed, request.network, cookies.read(request, cookies.TRUSTED))
    except (NotLetIn, PasswordClosed) as refused:
        return page(request, {"state": "code", "error": refused.sentence}, status=422)
    response = let_in(request, half.person, method=sessions.AUTHENTICATOR, goal=back_of(request))
    trusted = cookies.read(request, cookies.TRUSTED) or cookies.new_token()
    passwords.trust(half.person, cookies.digest(trusted))
    cookies.write(response, cookies.TRUSTED, trusted, TRUSTED_SECONDS)
    return response


@require_POST
def ask_passkey(request: Request) -> HttpResponse:
    """What the browser is to ask its authenticators. It names nobody, and costs no row."""
    token = cookies.browser_token(request)
    response = JsonResponse(passkeys.ask_to_sign_in(request.brand, cookies.digest(token), office=True))
    cookies.write(response, cookies.BROWSER, token, BROWSER_SECONDS)
    return response


@forms
def passkey(request: Request) -> HttpResponse:
    """Sign in with what the browser was given by an authenticator."""
    if request.method != "POST":
        return see_other(reverse("how-to-enter"))
    browser = cookies.digest(cookies.read(request, cookies.BROWSER))
    try:
        found = passkeys.recognise(request.brand, browser, request.POST.get("answer", ""), office=True)
    except PasskeyRefused as refused:
        return refuse(request, refused)
    if not roles.permissions_of(found.person):
        return refuse(request, NotLetIn())
    goal = back_of(request)
    return let_in(request, found.person, method=sessions.PASSKEY, factor_at=found.made_at, goal=goal)


def let_in(
    request: Request,
    person: Person,
    *,
    method: str,
    provider: str = "",
    factor_at: datetime | None = None,
    anew: bool = True,
    goal: str,
    says: str = "",
) -> HttpResponseRedirect:
    """Sign an administrator in, in place of this browser's old office session. Call only after a whole proof.

    `says` is a word of portal.console.done for the page that follows.
    """
    token = _begin(request, person, method, provider, factor_at, anew=anew)
    Person.objects.filter(pk=person.pk).update(last_login=timezone.now())
    record("administrator.entered", person=str(person.id), method=method)
    row = sessions.of_token(token, request.brand) if says else None
    response = said.see_said(goal, says, row) if row else see_other(goal)
    sessions.set_cookie(response, token, keep=False, name=cookies.OFFICE)
    rotate_token(request)
    return response


def refuse(request: Request, error: AccessError, *, typed: str = "", status: int = 422) -> HttpResponse:
    """The sign-in page with the sentence, and the address that was typed."""
    return page(request, {"state": "ways", "typed": typed, "error": error.sentence}, status=status)


def _again(request: Request, **_: str) -> HttpResponse:
    """The page of a form that was open for too long, with the address that was typed and no secret."""
    match: Any = request.resolver_match
    told = {"error": expired.sentence(request)}
    if match.url_name == "enter":
        link = entry.find(match.kwargs["secret"])
        shown: dict[str, object] = {"state": "link", "mailed": link.mailed} if link else {"state": "over"}
    else:
        half = request.half_row if match.url_name == "enter-code" else None
        shown = {"state": "code" if half else "ways", "typed": request.POST.get("address", "")[: LONGEST + 1]}
    return page(request, {**shown, **told}, status=expired.STATUS)


for _name in ("enter", "enter-password", "enter-code", "enter-passkey", "enter-provider"):
    expired.register(_name, _again)


def back_of(request: Request) -> str:
    """Where to go after a proof: a page of the office that asked for it, and nowhere else."""
    asked = request.POST.get("next") or request.GET.get("next", "")
    return asked if _BACK.fullmatch(asked) else OFFICE


def _begin(
    request: Request,
    person: Person,
    method: str,
    provider: str = "",
    factor_at: datetime | None = None,
    *,
    anew: bool = True,
) -> str:
    return sessions.begin(
        person,
        request.brand,
        keep=False,
        method=method,
        provider=provider,
        office=True,
        level=LEVELS.get(method, 1),
        factor_at=factor_at,
        anew=anew,
        device=devices.named(request.headers.get("User-Agent", "")),
        instead_of=request.office_row or request.half_row,
    )


def page(request: Request, context: dict[str, object], status: int = 200) -> HttpResponse:
    """The page in one of its states.

    `next` is carried in every form; what is refused is shown with what was typed, but for secrets.
    """
    providers = office_ways.providers(request.brand)
    row = request.office_row
    found = {
        "password": office_ways.password_is_set(),
        "passkey": office_ways.passkey_exists(request.brand),
        "passcode": row is not None and office_ways.may_mail_passcode(row),
        "providers": [
            {"name": row.name, "url": reverse("enter-provider", args=[row.slug]), "down": known.is_down(row)}
            for row in providers
        ],
    }
    goal = back_of(request)
    shown = {"ways": found, "next": "" if goal == OFFICE else goal, "again": row is not None, **context}
    if row is not None and context["state"] == "ways":
        address = people.address_of(row.person)
        shown = {"typed": address, **shown}
    # Only where the buttons are: the page of a good link and that of the code lead to no provider.
    buttons = [] if shown["state"] in ("link", "code", "passcode") else providers
    origins = tuple(place for row in buttons for place in ways.origins_of(row))
    return ways.under_policy(render(request, "console/enter.html", shown, status=status), origins)
