"""The administrators' way in: the page that says how, and the one-time link."""

from __future__ import annotations

from django.http import HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from portal.access import cookies, entry, sessions
from portal.access.requests import Request
from portal.access.responses import see_other


@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: Request, secret: str) -> HttpResponse:
    """An administrator's one-time link: GET shows a button, only the button uses the link up."""
    if request.method != "POST":
        good = entry.is_good(secret)
        return render(request, "console/enter.html", {"state": "good" if good else "over"}, status=200 if good else 410)
    person = entry.redeem(secret)
    if person is None:
        return render(request, "console/enter.html", {"state": "over"}, status=410)
    token = sessions.begin(
        person, request.brand, keep=False, method=sessions.ENTRY, office=True, instead_of=request.office_row
    )
    response = see_other("/admin/")
    sessions.set_cookie(response, token, keep=False, name=cookies.OFFICE)
    rotate_token(request)
    return response


@require_http_methods(["GET", "HEAD"])
def how_to_enter(request: Request) -> HttpResponse:
    return render(request, "console/enter.html", {"state": "none"})
