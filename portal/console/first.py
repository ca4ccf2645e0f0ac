"""A0, step 1: whoever came by a one-time link says who they are, and adds the way by which they come from now on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from portal.access import administrators, office_ways, passwords
from portal.access.decorators import fresh_proof_required, office_required
from portal.access.office_errors import OfficeRefused
from portal.access.responses import see_other
from portal.console.pages import administrator, office_page
from portal.mime.addresses import LONGEST
from portal.mime.errors import BadAddress


@office_required
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def first_run(request: HttpRequest) -> HttpResponse:
    """GET shows what comes next; POST says the address of the first administrator, who was made without one."""
    if request.method != "POST":
        return _page(request, {})
    typed = request.POST.get("address", "").strip()[: LONGEST + 1]
    try:
        administrators.say_address(administrator(request), typed)
    except BadAddress:
        return _page(request, {"address_value": typed, "bad_address": True}, status=422)
    except OfficeRefused as refused:
        return _page(request, {"address_value": typed, "error": refused.sentence}, status=422)
    return see_other(reverse("first-run"))


@office_required
@fresh_proof_required(back="first-run")
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """For the first administrator where nothing better can be had; the authenticator app is set up next."""
    if not administrator(request).address:  # nobody could sign in with it
        return see_other(reverse("first-run"))
    try:
        passwords.set_first(administrator(request), request.POST.get("password", ""))
    except OfficeRefused as refused:
        return _page(request, {"password_error": refused.sentence}, status=422)
    return see_other(reverse("office-authenticator"))


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    me = administrator(request)
    shown = {
        "named": bool(me.address),
        "password": office_ways.password_is_open() and office_ways.is_alone(me),
        "unfinished": office_ways.is_unfinished(me),
        **context,
    }
    return office_page(request, "", "console/first.html", shown, status=status)
