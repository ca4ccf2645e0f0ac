"""The pages of a recipient's sign-in at a provider: the button's post, the way back, and what came of it.

At a message only its own address leads on. On the neutral page no message is named, so whoever proves an address is led
to what was sent to it; before the proof nothing is said of any address.
"""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.access import (
    ceilings,
    cookies,
    office_provider,
    outcomes,
    places,
    proving,
    sender_door,
    sessions,
    way_in,
    ways,
)
from portal.access.errors import ProviderDown, SignInCancelled, SignInOver, SignInRefused, TooManyTries
from portal.access.models import Provider, SignIn
from portal.access.oidc import flow
from portal.access.oidc.flow import WayBack
from portal.access.places import Place
from portal.access.requests import Request
from portal.access.responses import see_other, wait
from portal.audit.record import record_hourly
from portal.vault import readers
from portal.vault.models import Reader

LEVEL = 2
"""Of a provider's sign-in (docs/assurance.md)."""


@way_in.page
def begin(request: Request, link: str, slug: str) -> HttpResponse:
    """The button at a message: off to the provider. A GET shows what came of this browser's last try."""
    reader = readers.by_link(link)
    if reader is None or reader.message.brand_id != request.brand.pk:
        return way_in.neutral(request)
    return way_in.keeping_share(request, reader, _begin(request, places.at_link(reader), slug))


@way_in.page
def begin_anywhere(request: Request, slug: str) -> HttpResponse:
    """The same button on the neutral page."""
    return _begin(request, places.neutral(request.brand), slug)


@require_safe
def back(request: Request, slug: str) -> HttpResponseRedirect:
    """Where the provider sends the browser to. Every answer is a redirect: this address holds a code and a state."""
    token, way = cookies.read(request, cookies.BROWSER), WayBack.of(request.GET)
    provider = Provider.objects.filter(slug=slug, enabled=True, brands=request.brand).first()
    if provider is None or not token or request.method == "HEAD":
        return see_other(reverse("sign-in-over"))
    try:
        taken = flow.take(provider, request.brand, cookies.digest(token), way.state)
    except SignInOver:
        return see_other(reverse("sign-in-over"))
    return _end(request, taken, way)


@require_safe
def over(request: Request) -> HttpResponse:
    """For a way back that nobody here began. It tells of no message."""
    return way_in.find_with(request, SignInOver().sentence)


def _begin(request: Request, place: Place, slug: str) -> HttpResponse:
    provider = _provider(place, slug)
    if provider is None:
        return see_other(place.back_url)
    if request.method != "POST":
        return _outcome(request, place, provider)
    token = cookies.browser_token(request)
    again, origin = request.POST.get("again", ""), ceilings.origin_of(request.META)
    try:
        url = flow.begin(
            provider,
            request.brand,
            cookies.digest(token),
            reader=place.reader,
            again=bool(again),
            anew=again == sender_door.PROVE,
            origin=origin,
        )
    except TooManyTries as error:
        return wait(request, error, place)
    except ProviderDown:
        return way_in.elsewhere(request, place, _words(outcomes.DOWN, provider, place), 503)
    response = see_other(url)
    cookies.write(response, cookies.BROWSER, token, way_in.BROWSER_SECONDS)
    return response


def _end(request: Request, taken: SignIn, way: WayBack) -> HttpResponseRedirect:
    if taken.office:  # an administrator's proves no mailbox, so it opens no message
        return office_provider.end(request, taken, way)
    if taken.sender:  # nor does a sender's
        return sender_door.end(request, taken, way)
    place = places.at_link(taken.reader) if taken.reader else places.neutral(request.brand)
    slug = taken.provider.slug
    if _provider(place, slug) is None:  # looked at again, for it may have been switched off meanwhile
        return see_other(reverse("sign-in-over"))
    try:
        address, anew = flow.proved(taken, way)
    except (SignInCancelled, ProviderDown, SignInRefused) as error:
        if isinstance(error, SignInRefused):
            _record(taken, error.reason)
        return _ended(taken, outcomes.of_error(error))
    reader = _reader(place, readers.address_lookup(address))
    if reader is None:
        _record(taken, "other_address" if place.reader else "nothing_sent")
        return _ended(taken, outcomes.OTHER, address)
    method = sessions.PROVIDER
    return proving.welcome(request, place, reader, method=method, keep=False, level=LEVEL, provider=slug, anew=anew)


def _provider(place: Place, slug: str) -> Provider | None:
    return ways.at_message(place.reader, slug) if place.reader else ways.somewhere(place.brand, slug)


def _reader(place: Place, proved: bytes) -> Reader | None:
    """The message's reader, if theirs is the address that was proved; where none is named, the address's newest."""
    if place.reader is not None:
        return place.reader if bytes(place.reader.address_lookup) == proved else None
    return readers.of_person(proved, place.brand).first()


def _record(taken: SignIn, reason: str) -> None:
    # Whoever has a link can come back with junk, or with an account of their own, as often as they like.
    at: Reader | None = taken.reader
    record_hourly(
        "recipient.sign_in_refused",
        message=at.message_id if at else None,
        reader=at.id if at else None,
        provider=taken.provider.slug,
        reason=reason,
    )


def _ended(taken: SignIn, outcome: str, address: str = "") -> HttpResponseRedirect:
    outcomes.keep(taken, outcome, address)
    slug = taken.provider.slug
    if taken.reader is None:
        return see_other(reverse("find-sign-in", args=[slug]))
    return see_other(reverse("sign-in", args=[readers.link_of(taken.reader), slug]))


def _outcome(request: Request, place: Place, provider: Provider) -> HttpResponse:
    last = outcomes.last(request, provider, reader=place.reader)
    if last is None:
        return see_other(place.back_url)
    if last.outcome != outcomes.OTHER:
        return way_in.elsewhere(request, place, _words(last.outcome, provider, place))
    address = outcomes.address_of(last)
    if place.reader is not None:  # R2: another address than the message's. Nobody is signed in by that.
        return way_in.other_address(request, place.reader, address=address, provider=provider)
    said = _("You signed in with {provider} as {address}. There is no message here for that address.")
    return way_in.find_with(request, said.format(provider=provider.name, address=address), again=provider)


def _words(outcome: str, provider: Provider, place: Place) -> str:
    return outcomes.sentence(outcome, provider, passcode=ways.passcode_at(place))
