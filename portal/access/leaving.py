"""Signing out, and the page that says so (R16)."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import cookies, sessions
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.audit.record import record


@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: Request) -> HttpResponse:
    """End the sessions of this browser at once. A GET, as of a curious robot, ends nothing."""
    if request.method != "POST":
        return see_other("/")
    for row in (request.session_row, request.office_row, request.half_row, request.sender_row):
        if row is not None:
            sessions.end(row)
    if request.session_row is not None:
        record("recipient.signed_out", which="here")
    if request.sender_row is not None:
        record("sender.signed_out", which="here")
    response = see_other(reverse("signed-out") + _back_where(request))
    for name in (cookies.SESSION, cookies.OFFICE, cookies.SENDER):
        cookies.drop(response, name)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _back_where(request: Request) -> str:
    """Whose entry the next page names: nobody mailed an administrator or a sender a button to come back by."""
    if request.session_row is not None:
        return ""
    if request.office_row is not None:
        return "?office"
    return "?sender" if request.sender_row is not None else ""


@require_safe
def signed_out(request: Request) -> HttpResponse:
    if any((request.session_row, request.office_row, request.sender_row)):
        return see_other("/")  # a link leads here as well, and would say what is not so
    context = {"note": "", "office": "office" in request.GET, "sender": "sender" in request.GET}
    return render(request, "access/signed_out.html", context)
