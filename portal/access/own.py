"""R14: what a signed-in person can see and change about themselves, section by section."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.access import authenticator_settings, expired, passkey_settings, signed_in, way_in
from portal.access.requests import Request
from portal.access.sections import Section


def _passkeys(request: Request) -> Section | None:
    found = passkey_settings.cards(request)
    return Section("access/settings/passkeys.html", "passkeys", found) if found else None


def _authenticator(request: Request) -> Section:
    return Section("access/settings/authenticator.html", "app", authenticator_settings.shown(request))


SECTIONS: tuple[Callable[[Request], Section | None], ...] = (_passkeys, _authenticator, signed_in.section)
"""In the order of the page; None leaves a section out."""


@require_safe
def settings(request: Request) -> HttpResponse:
    if request.person is None:
        return way_in.neutral(request, status=200)
    return _page(request)


def _again(request: Request, **_: object) -> HttpResponse:
    """The page when one of its forms was open for too long."""
    if request.person is None:
        return way_in.neutral(request, status=200)
    return _page(request, expired.sentence(request), expired.STATUS)


for _name in (
    "authenticator",
    "authenticator-confirm",
    "authenticator-remove",
    "confirm-again",
    "end-devices",
    "passkey-add",
    "passkey-remove",
    "passkey-rename",
):
    expired.register(_name, _again)


def _page(request: Request, note: str = "", status: int = 200) -> HttpResponse:
    found = [section for section in (make(request) for make in SECTIONS) if section is not None]
    context = {"sections": [section.template for section in found], **{part.name: part.context for part in found}}
    if note:
        context["note"] = note
    return render(request, "access/settings.html", context, status=status)
