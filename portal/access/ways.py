"""What R1 offers to someone who is to confirm an address: a passcode, the one provider that fits, and all others."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from csp.constants import SELF
from django.http import HttpResponse
from django.urls import reverse

from branding.choosing import origin
from branding.models import Brand
from portal.access.models import Provider
from portal.access.oidc import known
from portal.access.oidc.proofs import ANY
from portal.access.places import Place
from portal.access.requests import Request
from portal.delivery.asking import AsksFor
from portal.mime.addresses import domain_of
from portal.vault import readers
from portal.vault.models import Reader

PASSCODE = "passcode"
_HOPS = {Provider.Kind.MICROSOFT: ("https://login.live.com",)}
"""Where a provider sends browsers on to before any page of its own: Microsoft those with personal accounts."""
_WEB_VIEW = re.compile(
    r"; wv\)|\bFB(?:AN|AV|_IAB)\b|\b(?:Instagram|Line|LinkedInApp|MicroMessenger)\b|\b(?:iPhone|iPad)\b(?!.*Safari/)"
)


@dataclass(frozen=True, repr=False)
class Button:
    """One provider. `state` is "" where it can be pressed, else `down` or `webview`, and the page says so instead."""

    slug: str
    name: str
    kind: str
    url: str
    state: str
    origins: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Ways:
    passcode: bool
    fitting: Button | None
    company: bool
    """Whether the fitting provider is the company's own and answers: then it comes first."""
    more: tuple[Button, ...]
    here: str
    """The page's address, for a browser in which a provider refuses to sign people in."""

    @property
    def main(self) -> str:
        """What the main button is: `provider` or `passcode`; "" when all are folded away. A passkey that was used in
        this browser goes before either, where scripts run (static/js/passkey.js)."""
        if self.fitting and (self.company or not self.passcode):
            return "provider"
        return "passcode" if self.passcode else ""

    @property
    def origins(self) -> tuple[str, ...]:
        buttons = (self.fitting, *self.more) if self.fitting else self.more
        return tuple(dict.fromkeys(place for button in buttons if not button.state for place in button.origins))


def at(request: Request, reader: Reader) -> Ways:
    """What is offered at a message. The same for open, closed and withdrawn ones, and no provider is asked."""
    brand, link = reader.message.brand, readers.link_of(reader)
    domain = domain_of(readers.address_of(reader))
    rows = [row for row in offered(brand) if _can_prove(row, domain)]
    fitting = _fitting(rows, domain)
    agent = request.headers.get("User-Agent", "")
    buttons = {row.slug: _button(row, reverse("sign-in", args=[link, row.slug]), agent) for row in rows}
    first = buttons.pop(fitting.slug) if fitting else None
    return Ways(
        passcode=passcode_is_offered(brand, rows),
        fitting=first,
        company=first is not None and first.kind == Provider.Kind.OIDC and not first.state,
        more=tuple(buttons.values()),
        here=f"{origin(brand)}/m/{link}",
    )


def asks_for(readers_: Sequence[Reader]) -> list[AsksFor]:
    """What the notices of messages say of it: the same choice as at each link, whatever answers at the moment."""
    known: dict[int, list[Provider]] = {}
    found = []
    for reader in readers_:
        brand = reader.message.brand
        if brand.pk not in known:
            known[brand.pk] = offered(brand)
        rows = known[brand.pk]
        domain = domain_of(readers.address_of(reader)) if rows else ""
        able = [row for row in rows if _can_prove(row, domain)]
        fitting = _fitting(able, domain)
        found.append(AsksFor(passcode_is_offered(brand, able), fitting.name if fitting else ""))
    return found


def neutral(request: Request) -> Ways:
    """What is offered where no message is named: every provider, for which of them fits is not known."""
    brand, find = request.brand, reverse("find")
    rows = offered(brand)
    found = of_providers(request, rows, find, lambda row: reverse("find-sign-in", args=[row.slug]))
    return replace(found, passcode=passcode_is_offered(brand, rows))


def of_providers(request: Request, rows: list[Provider], page: str, url: Callable[[Provider], str]) -> Ways:
    """These providers and nothing else, on the page of that path; `url` is where a button posts to."""
    agent = request.headers.get("User-Agent", "")
    buttons = tuple(_button(row, url(row), agent) for row in rows)
    return Ways(False, None, False, buttons, origin(request.brand) + page)


def offered(brand: Brand) -> list[Provider]:
    """The providers that recipients of a brand may use."""
    rows = Provider.objects.filter(enabled=True, recipients=True, brands=brand).order_by("slug")
    return [row for row in rows if brand.methods is None or row.slug in brand.methods]


def at_message(reader: Reader, slug: str) -> Provider | None:
    """The provider of this name, if the message's reader may use it."""
    domain = domain_of(readers.address_of(reader))
    rows = [row for row in offered(reader.message.brand) if row.slug == slug and _can_prove(row, domain)]
    return rows[0] if rows else None


def somewhere(brand: Brand, slug: str) -> Provider | None:
    """The provider of this name, if it may be used where no message is named."""
    return next((row for row in offered(brand) if row.slug == slug), None)


def passcode_at(place: Place) -> bool:
    """Whether a passcode may be asked for there."""
    rows = offered(place.brand)
    if place.reader is not None:
        domain = domain_of(readers.address_of(place.reader))
        rows = [row for row in rows if _can_prove(row, domain)]
    return passcode_is_offered(place.brand, rows)


def passcode_is_offered(brand: Brand, rows: list[Provider]) -> bool:
    """Also where the brand has it switched off, while no provider answers: nobody is shut out for another's fault."""
    return brand.methods is None or PASSCODE in brand.methods or all(known.is_down(row) for row in rows)


def under_policy(response: HttpResponse, origins: tuple[str, ...]) -> HttpResponse:
    """Let the page's forms lead to these: Chromium holds form-action against the redirect after a POST, too."""
    if origins:
        cast(Any, response)._csp_replace = {"form-action": [SELF, *origins]}
    return response


def in_web_view(agent: str) -> bool:
    """Whether a page is shown inside another app, where Google refuses to sign people in."""
    return _WEB_VIEW.search(agent) is not None


def _can_prove(row: Provider, domain: str) -> bool:
    """A button that can only end in a refusal is not shown."""
    return row.kind != Provider.Kind.OIDC or ANY in row.domains or domain in row.domains


def _fitting(rows: list[Provider], domain: str) -> Provider | None:
    """The one for this domain: a company's own before the great ones, a name before a star."""
    fit = [row for row in rows if any(_matches(pattern, domain) for pattern in row.domains)]
    order = sorted(fit, key=lambda row: (row.kind != Provider.Kind.OIDC, domain not in row.domains))
    return order[0] if order else None


def _matches(pattern: str, domain: str) -> bool:
    """yahoo.* is yahoo and a country's ending of one or two parts, as in yahoo.co.uk."""
    if pattern.endswith(".*"):
        stem, rest = pattern[:-1], domain.removeprefix(pattern[:-1])
        return domain.startswith(stem) and 1 <= rest.count(".") + 1 <= 2 and len(rest) <= 6
    return pattern == domain


def _button(row: Provider, url: str, agent: str) -> Button:
    state = "down" if known.is_down(row) else ""
    if row.kind == Provider.Kind.GOOGLE and in_web_view(agent):
        state = "webview"
    return Button(row.slug, row.name, row.kind, url, state, origins_of(row))


def origins_of(row: Provider) -> tuple[str, ...]:
    """Where the button leads, for the policy: the issuer, and its sign-in page where that is elsewhere."""
    seen = known.remembered(row)
    pages = (known.origin_of(row.issuer), *((seen.origin,) if seen else ()), *_HOPS.get(Provider.Kind(row.kind), ()))
    return tuple(dict.fromkeys(pages))
