"""What administrators see and change about themselves: passkeys, the authenticator app, where they are signed in."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access import authenticators, codes, cookies, passkeys, passwords, people, sessions
from portal.access.authenticator_settings import drawn
from portal.access.credentials import Passkey
from portal.access.decorators import OFFICE, fresh_proof_required, office_required, permission_required
from portal.access.errors import FactorRefused
from portal.access.models import Person, Session
from portal.access.passkey_errors import PasskeyRefused
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.access.roles import May
from portal.access.way_in import BROWSER_SECONDS
from portal.audit.record import record
from portal.console.pages import administrator, office_page


@permission_required(May.OVERVIEW)
@require_safe
def you(request: HttpRequest) -> HttpResponse:
    """One's own ways in, and the browsers one is signed in with."""
    me, row = administrator(request), cast(Request, request).office_row
    app = authenticators.of(me)
    context = {
        "keys": [(key, passkeys.name_of(key)) for key in _keys(request)],
        "password": me.has_usable_password(),
        "app": app,
        "codes_left": authenticators.codes_left(app) if app else 0,
        "sessions": [(one, one == row) for one in _sessions(me)],
    }
    return office_page(request, "", "console/you.html", context)


@office_required
@require_POST
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """End every other office session of this person; the next request there is the sign-in page."""
    row = cast(Session, cast(Request, request).office_row)
    _sessions(administrator(request)).exclude(pk=row.pk).delete()
    record("administrator.signed_out_elsewhere", person=str(administrator(request).id))
    return see_other(reverse("you"))


# -------------------------------------------------------------------------------------------------------- passkeys


@office_required
@require_POST
def ask_to_add_passkey(request: HttpRequest) -> HttpResponse:
    """What the browser is to ask its authenticators for; nothing, where the form that follows leads elsewhere."""
    asked, me = cast(Request, request), administrator(request)
    if not me.address or not sessions.is_fresh(cast(Session, asked.office_row)):
        return JsonResponse({}, status=403)
    token = cookies.browser_token(request)
    try:
        options = passkeys.ask_to_add(
            me, asked.brand, cookies.digest(token), user_name=people.address_of(me), office=True
        )
    except PasskeyRefused as refused:
        return JsonResponse({"error": refused.sentence}, status=422)
    response = JsonResponse(options)
    cookies.write(response, cookies.BROWSER, token, BROWSER_SECONDS)
    return response


@office_required
@fresh_proof_required(back="you")
@require_POST
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Keep the passkey that the browser made; with the first one in the house, passwords end."""
    asked, me = cast(Request, request), administrator(request)
    row = cast(Session, asked.office_row)
    browser = cookies.digest(cookies.read(request, cookies.BROWSER))
    answer = request.POST.get("answer", "")
    try:
        if not me.address:  # an authenticator could not say whose it is
            return see_other(reverse("first-run"))
        passkeys.add(me, asked.brand, browser, answer, proved_at=row.made_at, device=row.device, office=True)
    except PasskeyRefused as refused:
        return office_page(request, "", "console/first.html", {"named": True, "error": refused.sentence}, status=422)
    passwords.end_all()
    return see_other(OFFICE if row.method == sessions.ENTRY else reverse("you"))


@permission_required(May.OVERVIEW)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def remove_passkey(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Ask on a page, then it opens nothing any more."""
    key = get_object_or_404(_keys(request), pk=id_)
    if request.method != "POST":
        context = {"name": passkeys.name_of(key), "last": _keys(request).count() == 1}
        return office_page(request, "", "console/passkey_remove.html", context)
    passkeys.remove(key, cast(Session, cast(Request, request).office_row))
    return see_other(reverse("you"))


# --------------------------------------------------------------------------------------------- the authenticator app


@office_required
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def authenticator(request: HttpRequest) -> HttpResponse:
    """Set the app up for a password: show the secret in this session alone, and take one code from it."""
    me, row = administrator(request), cast(Session, cast(Request, request).office_row)
    if not me.has_usable_password():
        raise Http404
    if authenticators.of(me) is not None:
        return see_other(reverse("you"))
    if request.method == "POST" and "begin" in request.POST:
        authenticators.begin(me, row)
        return see_other(reverse("office-authenticator"))
    if request.method == "POST":
        return _confirm(request, me, row)
    return _set_up(request, me, row, {})


@office_required
@require_safe
def authenticator_picture(request: HttpRequest) -> HttpResponse:
    """The secret as a QR code, while the app is being set up in this session; 404 otherwise."""
    asked, me = cast(Request, request), administrator(request)
    found = authenticators.pending(me, cast(Session, asked.office_row))
    if found is None:
        raise Http404
    return drawn(authenticators.address_for_app(found, asked.brand.name, people.address_of(me)))


@office_required
@fresh_proof_required(back="you")
@require_POST
def renew_authenticator(request: HttpRequest) -> HttpResponse:
    """Another phone: a code of the app that is set up, or a recovery code, lets it be set up anew."""
    me = administrator(request)
    try:
        authenticators.check(me, request.POST.get("code", "")[: codes.LONGEST_TYPED])
    except FactorRefused as refused:
        context = {"error": refused.sentence}
        return office_page(request, "", "console/authenticator_renew.html", context, status=422)
    authenticators.remove(me)
    return see_other(reverse("office-authenticator"))


def _confirm(request: HttpRequest, me: Person, row: Session) -> HttpResponse:
    try:
        recovery = authenticators.confirm(me, row, request.POST.get("code", "")[: codes.LONGEST_TYPED])
    except FactorRefused as refused:
        return _set_up(request, me, row, {"error": refused.sentence}, status=422)
    return office_page(request, "", "console/recovery_codes.html", {"recovery": recovery})


def _set_up(request: HttpRequest, me: Person, row: Session, context: dict[str, Any], status: int = 200) -> HttpResponse:
    found = authenticators.pending(me, row)
    if found is not None:
        context = {**context, "spelt": authenticators.spelt(found)}
    return office_page(request, "", "console/authenticator.html", context, status=status)


def _keys(request: HttpRequest) -> QuerySet[Passkey]:
    return passkeys.of(administrator(request), cast(Request, request).brand, office=True)


def _sessions(me: Person) -> QuerySet[Session]:
    return Session.objects.filter(person=me, office=True).order_by("-seen_at")
