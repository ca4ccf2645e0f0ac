"""The pages of a sign-in at a provider: the button's post, the way back, and R2 when another address was proved."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.access import ceilings, cookies, office_provider, places, proving, sessions, shares, ways
from portal.access import views as door
from portal.access.errors import ProviderDown, SignInCancelled, SignInOver, SignInRefused, TooManyTries
from portal.access.models import Provider, SignIn
from portal.access.oidc import flow
from portal.access.oidc.flow import WayBack
from portal.access.requests import Request
from portal.access.responses import see_other, wait
from portal.audit.record import record_hourly
from portal.keys.service import keys
from portal.vault import readers
from portal.vault.models import Reader

LEVEL = 2
"""Of a provider's sign-in (access.md)."""
CANCELLED, DOWN, REFUSED, OTHER = "cancelled", "down", "refused", "other"


@door.page
def begin(request: Request, link: str, slug: str) -> HttpResponse:
    """The button: off to the provider. A GET shows what came of this browser's last try, and changes nothing."""
    reader = readers.by_link(link)
    if reader is None or reader.message.brand_id != request.brand.pk:
        return door.neutral(request)
    provider = ways.at_message(reader, slug)
    if provider is None:
        return see_other(places.at_link(reader).back_url)
    if request.method != "POST":
        return _outcome(request, reader, provider)
    token = cookies.read(request, cookies.BROWSER) or cookies.new_token()
    again, origin = "again" in request.POST, ceilings.origin_of(request.META)
    try:
        url = flow.begin(provider, request.brand, cookies.digest(token), reader=reader, again=again, origin=origin)
    except TooManyTries as error:
        return wait(request, error, places.at_link(reader))
    except ProviderDown:
        return door.choose(request, reader, note=_words(DOWN, provider, reader), status=503)
    response = see_other(url)
    cookies.write(response, cookies.BROWSER, token, door.BROWSER_SECONDS)
    share = shares.posted(request) if reader.message.split else b""
    if share:
        shares.keep(response, reader, share)
    return response


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
    return door.find_with(request, SignInOver().sentence)


def _end(request: Request, taken: SignIn, way: WayBack) -> HttpResponseRedirect:
    if taken.office:  # an administrator's proves no mailbox, so it opens no message
        return office_provider.end(request, taken, way)
    reader: Reader | None = taken.reader
    # Looked at again, for it may have been switched off meanwhile.
    if reader is None or ways.at_message(reader, taken.provider.slug) is None:
        return see_other(reverse("sign-in-over"))
    try:
        address = flow.proved_address(taken, way)
    except SignInCancelled:
        return _ended(taken, reader, CANCELLED)
    except ProviderDown:
        return _ended(taken, reader, DOWN)
    except SignInRefused as refused:
        _record(taken, reader, refused.reason)
        return _ended(taken, reader, REFUSED)
    if readers.address_lookup(address) != bytes(reader.address_lookup):
        _record(taken, reader, "other_address")
        return _ended(taken, reader, OTHER, address)
    slug = taken.provider.slug
    place = places.at_link(reader)
    return proving.welcome(request, place, reader, method=sessions.PROVIDER, keep=False, level=LEVEL, provider=slug)


def _record(taken: SignIn, reader: Reader, reason: str) -> None:
    # Whoever has a link can come back with junk, or with an account of their own, as often as they like.
    record_hourly(
        "recipient.sign_in_refused",
        message=reader.message_id,
        reader=reader.id,
        provider=taken.provider.slug,
        reason=reason,
    )


def _ended(taken: SignIn, reader: Reader, outcome: str, address: str = "") -> HttpResponseRedirect:
    """Keep why nothing was proved for the page that says so, which has an address without secrets."""
    taken.outcome = outcome
    if address:
        taken.address = keys().seal_field("sign-in-address", taken.id, address.encode())
    taken.save(update_fields=["outcome", "address"])
    return see_other(reverse("sign-in", args=[readers.link_of(reader), taken.provider.slug]))


def _outcome(request: Request, reader: Reader, provider: Provider) -> HttpResponse:
    token = cookies.read(request, cookies.BROWSER)
    mine = SignIn.objects.filter(browser=cookies.digest(token), reader=reader, provider=provider, office=False)
    last = mine.filter(expires_at__gt=timezone.now()).order_by("-made_at").first() if token else None
    if last is None or not last.outcome:
        return see_other(places.at_link(reader).back_url)
    if last.outcome == OTHER:
        return _other_address(request, reader, last)
    return door.choose(request, reader, note=_words(last.outcome, provider, reader), status=door.REFUSED)


def _words(outcome: str, provider: Provider, reader: Reader) -> str:
    if outcome == CANCELLED:
        return SignInCancelled(provider.name).sentence
    passcode = ways.passcode_at(places.at_link(reader))
    if outcome == DOWN:
        return ProviderDown(provider.name, passcode=passcode).sentence
    return SignInRefused(provider.name, passcode=passcode).sentence


def _other_address(request: Request, reader: Reader, last: SignIn) -> HttpResponse:
    """R2: the provider proved an address, and it is not the message's. Nobody is signed in by that."""
    address = keys().open_field("sign-in-address", last.id, bytes(last.address)).decode()
    return door.other_address(request, reader, address=address, provider=last.provider)
