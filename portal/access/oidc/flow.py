"""A sign-in at a provider from the button to the proved address: begun by one browser, ended once and in that one."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Self
from uuid import uuid4

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from branding import choosing
from branding.models import Brand
from portal.access import budgets, cookies, grants
from portal.access.budgets import NOWHERE, Origin
from portal.access.errors import ProviderDown, SignInCancelled, SignInOver, SignInRefused, TooManyTries
from portal.access.models import Provider, SignIn
from portal.access.oidc import client, proofs
from portal.access.oidc.client import Secrets
from portal.keys.service import keys
from portal.vault import readers
from portal.vault.models import Reader

LIFE = timedelta(minutes=10)
"""Enough to find a password and a second factor."""
MOST_OF_A_NETWORK = 300
"""Begun within those ten minutes, ended or not: more than a large office behind one address presses. Each is a row, and
each that comes back with a made-up code a question to the provider, which might shut us out for them."""
LONGEST = 4096
_TURNED_BACK = ("access_denied", "interaction_required", "login_required", "consent_required")


class Proved(NamedTuple):
    """An address (in its comparing form), and whether its person was asked in this moment who they are."""

    address: str
    anew: bool


@dataclass(frozen=True)
class WayBack:
    """What a provider sent the browser back with. A parameter that came twice counts as none."""

    state: str = field(repr=False)
    code: str = field(repr=False)
    error: str
    issuer: str | None

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        def one(name: str) -> str:
            values = query.getlist(name)
            return values[0] if len(values) == 1 and len(values[0]) <= LONGEST else ""

        return cls(one("state"), one("code"), one("error"), one("iss") if "iss" in query else None)


def back_url(provider: Provider, brand: Brand) -> str:
    """The redirect URI, as it must be registered at the provider: of this brand and this provider alone."""
    return choosing.origin(brand) + reverse("sign-in-back", args=[provider.slug])


def begin(
    provider: Provider,
    brand: Brand,
    browser: bytes,
    *,
    reader: Reader | None = None,
    office: bool = False,
    sender: bool = False,
    goal: str = "",
    again: bool = False,
    anew: bool = False,
    origin: Origin = NOWHERE,
) -> str:
    """Note a sign-in of a browser (digest of its cookie), and give the provider's address to send it to.

    It replaces what the same browser began at the same place and did not end. Raises ProviderDown, and TooManyTries
    when too many were begun in the network around `origin`.
    """
    if not grants.is_whole(provider):  # nobody is sent, and no secret shown, where somebody else says
        raise ProviderDown(provider.name)
    network = origin.around or origin.network
    _must_have_room(network, timezone.now())
    state, secrets = cookies.new_token(), Secrets(cookies.new_token(), cookies.new_token())
    asks, back = {"again": again, "anew": anew}, back_url(provider, brand)
    url = client.authorization_url(provider, back=back, state=state, secrets=secrets, **asks)
    now, number = timezone.now(), uuid4()
    sealed = keys().seal_field("sign-in", number, _written(secrets, reader))
    same = SignIn.objects.filter(browser=browser, brand=brand, reader=reader, office=office, sender=sender)
    # Asked again: a provider may have been asked in between, which takes its time, and many ask at once.
    with budgets.one_at_a_time(network or browser):
        _must_have_room(network, now)
        same.filter(used_at=None).delete()
        SignIn.objects.create(
            id=number,
            state=cookies.digest(state),
            provider=provider,
            brand=brand,
            reader=reader,
            office=office,
            sender=sender,
            goal=goal,
            anew=anew,
            browser=browser,
            network=network,
            secrets=sealed,
            made_at=now,
            expires_at=now + LIFE,
        )
    return url


def take(provider: Provider, brand: Brand, browser: bytes, state: str) -> SignIn:
    """The sign-in that a way back belongs to, used up by this. Raises SignInOver, whatever it is that does not fit."""
    rows = SignIn.objects.select_related("provider", "brand", "reader__message__brand")
    found = rows.filter(state=cookies.digest(state), provider=provider, brand=brand).first() if state else None
    if found is None or not hmac.compare_digest(bytes(found.browser), browser):
        # Not used up for another browser's sake: a stranger could end sign-ins that way.
        raise SignInOver
    if not grants.is_whole(found.provider):
        raise SignInOver
    now = timezone.now()
    # The condition is the lock: of two that come at once, one is in.
    if not SignIn.objects.filter(pk=found.pk, used_at=None, expires_at__gt=now).update(used_at=now):
        raise SignInOver
    if found.reader is not None:
        found.reader = _where_begun(found, found.reader)
    return found


def proved(sign_in: SignIn, way: WayBack) -> Proved:
    """What the provider proves. The sign-in was taken before.

    Raises:
        SignInCancelled: the person turned back.
        ProviderDown: the provider failed.
        SignInRefused: what it says proves no address.
    """
    provider = sign_in.provider
    client.check_issuer(provider, way.issuer)
    if way.error in _TURNED_BACK:
        raise SignInCancelled(provider.name)
    if way.error:
        raise ProviderDown(provider.name)
    if not way.code:
        raise SignInRefused(provider.name, "code")
    secrets, _ = _read(sign_in)
    claims = client.claims_for(provider, way.code, back=back_url(provider, sign_in.brand), secrets=secrets)
    try:
        return Proved(_proved(provider, claims), client.is_anew(claims, asked=sign_in.anew))
    except proofs.Unproved as error:
        raise SignInRefused(provider.name, str(error)) from None


def _must_have_room(network: bytes, now: datetime) -> None:
    begun = SignIn.objects.filter(network=network, expires_at__gt=now).order_by("expires_at")
    if network and begun.count() >= MOST_OF_A_NETWORK:
        first: datetime = begun.values_list("expires_at", flat=True)[0]
        raise TooManyTries(first)


def _written(secrets: Secrets, reader: Reader | None) -> bytes:
    """With the handle of a posted message.html at which it was begun: a handle stands in no row in clear."""
    return json.dumps([secrets.nonce, secrets.verifier, reader.handle if reader else ""]).encode()


def _read(sign_in: SignIn) -> tuple[Secrets, str]:
    nonce, verifier, handle = json.loads(keys().open_field("sign-in", sign_in.id, bytes(sign_in.secrets)))
    return Secrets(nonce, verifier), handle


def _where_begun(sign_in: SignIn, reader: Reader) -> Reader:
    """The reader by that handle, while it lives: at the link, a message that travels in files has nothing to show."""
    _, handle = _read(sign_in)
    found = readers.by_link(handle) if handle else None
    return found if found is not None and found.pk == reader.pk else reader


def _proved(provider: Provider, claims: proofs.Claims) -> str:
    if provider.kind == Provider.Kind.GOOGLE:
        return proofs.google(claims)
    if provider.kind == Provider.Kind.MICROSOFT:
        return proofs.microsoft(claims, provider.tenants)
    if provider.kind == Provider.Kind.YAHOO:
        return proofs.yahoo(claims)
    return proofs.generic(claims, provider.domains)
