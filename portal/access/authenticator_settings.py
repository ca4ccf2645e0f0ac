"""The authenticator app on a person's own page (R14): set up, confirmed by one code, removed by another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import qrcode
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from qrcode.image.svg import SvgPathFillImage

from portal.access import authenticators, places, sessions, way_in, ways
from portal.access.codes import LONGEST_TYPED
from portal.access.errors import AuthenticatorThere, FactorRefused
from portal.access.models import Person, Session
from portal.access.requests import Request
from portal.access.responses import see_other

forms = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True)
class Shown:
    """The section. `state` is `none`, `old` (none, and the proof is too old to set one up: an app outlives
    every session, so a browser left open on a desk must not be enough), `begun` or `there`."""

    state: str
    since: datetime | None = None
    codes_left: int = 0
    spelt: str = ""
    picture_url: str = ""
    error: str = ""
    mails: bool = True
    """Whether the address is confirmed anew by a passcode, or at a provider."""

    def __repr__(self) -> str:
        return f"Shown({self.state})"


def shown(request: Request, error: str = "") -> Shown:
    """The section for whoever is signed in."""
    person, session = _signed_in(request)
    app = authenticators.of(person)
    if app is not None:
        return Shown("there", app.confirmed_at, authenticators.codes_left(app), error=error)
    begun = authenticators.pending(person, session)
    if begun is not None:
        return Shown(
            "begun", spelt=authenticators.spelt(begun), picture_url=reverse("authenticator-picture"), error=error
        )
    if sessions.is_fresh(session):
        return Shown("none", error=error)
    return Shown("old", error=error, mails=ways.passcode_at(places.settings(request.brand)))


@forms
def begin(request: Request) -> HttpResponse:
    """Makes a secret; the settings page shows it to this browser alone."""
    if request.person is None:
        return way_in.neutral(request, status=200)
    person, session = _signed_in(request)
    if request.method == "POST" and sessions.is_fresh(session):
        try:
            authenticators.begin(person, session)
        except AuthenticatorThere as refused:
            return _refused(request, refused)
    return _back()


@require_safe
def picture(request: Request) -> HttpResponse:
    """The secret as a QR code, while the app is being set up in this session; 404 for everyone else."""
    person, session = request.person, request.session_row
    begun = authenticators.pending(person, session) if person and session else None
    if begun is None:
        raise Http404
    told = authenticators.address_for_app(begun, request.brand.name, request.session_address)
    return drawn(told)


def drawn(told: str) -> HttpResponse:
    """What an app is told, as a QR code (SVG). Black on white whatever the theme: cameras read no other."""
    image = qrcode.make(told, image_factory=SvgPathFillImage, border=4)
    written = BytesIO()
    image.save(written)
    return HttpResponse(written.getvalue(), content_type="image/svg+xml")


@forms
def confirm(request: Request) -> HttpResponse:
    """One code from the app lets it count; the answer shows the recovery codes, this once."""
    if request.person is None:
        return way_in.neutral(request, status=200)
    if request.method != "POST":
        return _back()
    person, session = _signed_in(request)
    try:
        codes = authenticators.confirm(person, session, request.POST.get("code", "")[:LONGEST_TYPED])
    except FactorRefused as refused:
        return _refused(request, refused)
    return render(request, "access/settings/recovery_codes.html", {"codes": codes, "settings_url": reverse("settings")})


@forms
def remove(request: Request) -> HttpResponse:
    """Takes a code of the app, or a recovery code: a browser left open must not be enough."""
    if request.person is None:
        return way_in.neutral(request, status=200)
    if request.method != "POST":
        return _back()
    person, _session = _signed_in(request)
    try:
        authenticators.check(person, request.POST.get("code", "")[:LONGEST_TYPED])
    except FactorRefused as refused:
        return _refused(request, refused)
    authenticators.remove(person)
    return _back()


def _refused(request: Request, refused: FactorRefused) -> HttpResponse:
    """The section alone, with the sentence beside its field."""
    context = {"sections": ["access/settings/authenticator.html"], "app": shown(request, refused.sentence)}
    return render(request, "access/settings/authenticator_refused.html", context, status=way_in.REFUSED)


def _signed_in(request: Request) -> tuple[Person, Session]:
    person, session = request.person, request.session_row
    if person is None or session is None:
        raise Http404
    return person, session


def _back() -> HttpResponse:
    return see_other(f"{reverse('settings')}#authenticator")
