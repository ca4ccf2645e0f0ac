"""The senders' way in, by the organisation's own provider alone, and the page of their signed-in browsers."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import (
    ceilings,
    cookies,
    devices,
    expired,
    outcomes,
    people,
    said,
    senders,
    sessions,
    signed_in,
    ways,
)
from portal.access.errors import ProviderDown, SignInCancelled, SignInRefused, TooManyTries
from portal.access.models import Provider, Session, SignIn
from portal.access.oidc import flow
from portal.access.oidc.flow import Proved, WayBack
from portal.access.requests import Request
from portal.access.responses import see_other, wait
from portal.access.senders import SENT
from portal.access.way_in import BROWSER_SECONDS, REFUSED
from portal.audit.record import record, record_hourly

P = ParamSpec("P")
Page = Callable[Concatenate[Request, Session, P], HttpResponseBase]
View = Callable[Concatenate[Request, P], HttpResponseBase]
LEVEL = 2
"""Of a provider's sign-in (docs/assurance.md)."""
PROVE = "prove"
"""What the button sends where the provider is to ask anew, whoever is signed in there."""
_PAGE = re.compile(r"/sent/(?:asked/)?[0-9a-f-]{36}/(?:add/)?|/sent/settings/|/sent/delegates/(?:add/)?")
forms = require_http_methods(["GET", "HEAD", "POST"])


def required(view: Page[P]) -> View[P]:
    """Only for a signed-in sender, whose session the view is given: all others are shown the way in."""

    @wraps(view)
    def guarded(request: Request, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        session = senders.session_of(request)
        if session is None:
            return page(request, request.sender_ended)
        return view(request, session, *args, **kwargs)

    return cast(View[P], guarded)


def fresh(view: Page[P]) -> Page[P]:
    """Only soon after a sign-in at which the provider asked who it is: what lets somebody else read must not be done in
    a browser that was left open."""

    @wraps(view)
    def guarded(request: Request, session: Session, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not sessions.is_fresh(session):
            note = _("To let somebody else in, sign in again: that shows it is you.")
            return page(request, note, prove=True)
        return view(request, session, *args, **kwargs)

    return cast(Page[P], guarded)


def page(
    request: Request, note: str = "", status: int = 200, again: Provider | None = None, *, prove: bool = False
) -> HttpResponse:
    """The way in. `again` is the provider at which another account is to be chosen, `prove` has whoever is signed in
    there say again who they are."""
    rows = senders.providers(request.brand)
    found = ways.of_providers(request, rows, SENT, lambda row: reverse("sender-sign-in", args=[row.slug]))
    context = {"note": note, "ways": found, "again": again.slug if again else "", "sender_goal": _goal(request.path)}
    context["prove"] = prove
    return ways.under_policy(render(request, "access/senders.html", context, status=status), found.origins)


@forms
def begin(request: Request, slug: str) -> HttpResponse:
    """The button: off to the provider. A GET shows what came of this browser's last try, and changes nothing."""
    provider = _provider(request, slug)
    if provider is None:
        return see_other(SENT)
    if request.method != "POST":
        return _outcome(request, provider)
    token = cookies.browser_token(request)
    again, origin = request.POST.get("again", ""), ceilings.origin_of(request.META)
    goal = _goal(request.POST.get("next", ""))
    try:
        browser = cookies.digest(token)
        url = flow.begin(
            provider,
            request.brand,
            browser,
            sender=True,
            goal=goal,
            again=bool(again),
            anew=again == PROVE,
            origin=origin,
        )
    except TooManyTries as error:
        return wait(request, error)
    except ProviderDown as down:
        return page(request, outcomes.sentence(outcomes.of_error(down), provider, passcode=False), 503)
    response = see_other(url)
    cookies.write(response, cookies.BROWSER, token, BROWSER_SECONDS)
    return response


def end(request: Request, taken: SignIn, way: WayBack) -> HttpResponseRedirect:
    """What a way back of a sender comes to: in, or the page that says why not."""
    slug = taken.provider.slug
    if _provider(request, slug) is None:  # switched off meanwhile
        return see_other(SENT)
    try:
        proved = flow.proved(taken, way)
    except (SignInCancelled, ProviderDown, SignInRefused) as error:
        if isinstance(error, SignInRefused):
            _record(slug, error.reason)
        return _ended(taken, outcomes.of_error(error))
    if not senders.may_sign_in(request.brand, proved.address):
        _record(slug, "inactive" if senders.is_inside(request.brand, proved.address) else "outside")
        return _ended(taken, outcomes.OTHER, proved.address)
    return _let_in(request, proved, slug, _goal(taken.goal) or SENT)


@forms
@required
def own(request: Request, here: Session) -> HttpResponse:
    """In which browsers the sender is signed in, and ending those they do not know or need."""
    url = reverse("sent-devices")
    if request.method == "POST":
        if which := signed_in.end_of(here, request.POST.get("device", "")):
            record("sender.signed_out", which=which)
        return said.see_said(url, "ended", here)
    section = signed_in.section_of(here, url, ended=said.word(request, here) == "ended")
    context = {"sections": [section.template], section.name: section.context, "back_url": SENT}
    return render(request, "access/settings.html", context)


def _begin_again(request: Request, slug: str) -> HttpResponse:
    """The way in once more, when its form was open for too long."""
    return page(request, expired.sentence(request), expired.STATUS)


expired.register("sender-sign-in", _begin_again)


def _provider(request: Request, slug: str) -> Provider | None:
    return next((row for row in senders.providers(request.brand) if row.slug == slug), None)


def _goal(path: str) -> str:
    """A page about one message, to which whoever signs in comes back; "" for any other address."""
    return path if _PAGE.fullmatch(path) else ""


def _let_in(request: Request, proved: Proved, slug: str, goal: str) -> HttpResponseRedirect:
    """Sign a sender in, in place of this browser's old session of that kind. Call only after the proof."""
    person = people.of_address(proved.address)
    token = sessions.begin(
        person,
        request.brand,
        keep=False,
        method=sessions.PROVIDER,
        provider=slug,
        sender=True,
        level=LEVEL,
        anew=proved.anew,
        device=devices.named(request.headers.get("User-Agent", "")),
        instead_of=request.sender_row,
    )
    record("sender.entered", provider=slug)
    response = see_other(goal)
    sessions.set_cookie(response, token, keep=False, name=cookies.SENDER)
    rotate_token(request)
    return response


def _record(slug: str, reason: str) -> None:
    record_hourly("sender.sign_in_refused", provider=slug, reason=reason)  # anyone can come back with junk


def _ended(taken: SignIn, outcome: str, address: str = "") -> HttpResponseRedirect:
    outcomes.keep(taken, outcome, address)
    return see_other(reverse("sender-sign-in", args=[taken.provider.slug]))


def _outcome(request: Request, provider: Provider) -> HttpResponse:
    last = outcomes.last(request, provider, sender=True)
    if last is None:
        return see_other(SENT)
    if last.outcome != outcomes.OTHER:
        return page(request, outcomes.sentence(last.outcome, provider, passcode=False), REFUSED)
    said = _("You signed in with {provider} as {address}. That is not an address of {organisation}.")
    note = said.format(provider=provider.name, address=outcomes.address_of(last), organisation=request.brand.name)
    return page(request, note, 403, again=provider)
