"""An administrator's sign-in at the organisation's provider: the proved address must be that of someone with a role."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from portal.access import ceilings, cookies, office, office_ways, roles, said, sessions
from portal.access.errors import AccessError, ProviderDown, SignInRefused, TooManyTries
from portal.access.models import Person, SignIn
from portal.access.office_errors import NotLetIn
from portal.access.oidc import flow
from portal.access.oidc.flow import WayBack
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.access.way_in import BROWSER_SECONDS
from portal.audit.record import record_hourly
from portal.vault import readers


@office.forms
def begin(request: Request, slug: str) -> HttpResponse:
    """The button: off to the provider."""
    provider = next((row for row in office_ways.providers(request.brand) if row.slug == slug), None)
    if provider is None or request.method != "POST":
        return see_other(reverse("how-to-enter"))
    token = cookies.browser_token(request)
    goal, origin = office.back_of(request), ceilings.origin_of(request.META)
    try:
        browser = cookies.digest(token)
        url = flow.begin(provider, request.brand, browser, office=True, goal=goal, anew=True, origin=origin)
    except TooManyTries:
        return office.refuse(request, NotLetIn(), status=429)
    except ProviderDown as down:
        return office.refuse(request, down, status=503)
    response = see_other(url)
    cookies.write(response, cookies.BROWSER, token, BROWSER_SECONDS)
    return response


def end(request: Request, taken: SignIn, way: WayBack) -> HttpResponseRedirect:
    """What a way back to the office comes to: in, or the sign-in page, which says no more than that it failed."""
    slug = taken.provider.slug
    if all(row.slug != slug for row in office_ways.providers(request.brand)):  # switched off meanwhile
        return see_other(reverse("how-to-enter"))
    try:
        proved = flow.proved(taken, way)
        person = _whose(proved.address)
    except AccessError as refused:
        if isinstance(refused, SignInRefused | NotLetIn):
            reason = refused.reason if isinstance(refused, SignInRefused) else "no_role"
            # Anyone can press the button and come back with junk.
            record_hourly("administrator.sign_in_refused", provider=slug, reason=reason)
        return said.see_said_outside(reverse("how-to-enter"), office.FAILED, bytes(taken.browser))
    return office.let_in(request, person, method=sessions.PROVIDER, provider=slug, goal=taken.goal, anew=proved.anew)


def _whose(address: str) -> Person:
    """The administrator with an address that a provider proved. NotLetIn when nobody with a role has it."""
    person = Person.objects.filter(lookup=readers.address_lookup(address).hex(), role__in=roles.OFFICE).first()
    if person is None or not roles.permissions_of(person):
        raise NotLetIn
    return person
