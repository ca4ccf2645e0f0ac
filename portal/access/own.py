"""R14: what a signed-in person can see and change about themselves, section by section."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.access import signed_in
from portal.access import views as door
from portal.access.requests import Request
from portal.access.sections import Section

SECTIONS: tuple[Callable[[Request], Section | None], ...] = (signed_in.section,)
"""In the order of the page; None leaves a section out."""


@require_safe
def settings(request: Request) -> HttpResponse:
    if request.person is None:
        return door.neutral(request, status=200)
    found = [section for section in (make(request) for make in SECTIONS) if section is not None]
    context = {"sections": [section.template for section in found], **{part.name: part.context for part in found}}
    return render(request, "access/settings.html", context)
