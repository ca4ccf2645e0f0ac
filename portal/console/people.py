"""A12, the members: who administers, with which role; owners add, change and remove, with a proof of this moment."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access import administrators, office_ways, people, roles
from portal.access.administrators import Reason
from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.models import Person
from portal.access.office_errors import NotAnAdministrator, OfficeRefused
from portal.access.requests import Request
from portal.access.roles import May
from portal.console.done import see_done
from portal.console.pages import administrator, office_page
from portal.console.sections import PEOPLE
from portal.mime.addresses import LONGEST, normalise
from portal.mime.errors import BadAddress

Role = Person.Role
ROLES = [(role.value, role.label) for role in roles.OFFICE]


@permission_required(May.PEOPLE)
@require_safe
def members(request: HttpRequest) -> HttpResponse:
    """Everyone with a role, and when they were last here."""
    asked = cast(Request, request)
    context = {
        "members": administrators.everyone(),
        "me": administrator(request),
        "providers": [row.name for row in office_ways.providers(asked.brand)],
    }
    return office_page(request, PEOPLE, "console/people.html", context)


@permission_required(May.PEOPLE)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Give an address a role; the link goes to that mailbox and nowhere else, so nobody gets in for another."""
    typed, role = request.POST.get("address", "").strip()[: LONGEST + 1], _role(request)
    context: dict[str, Any] = {"address_value": typed, "role": role or Role.SUPPORT, "roles": ROLES}
    if request.method != "POST":
        return office_page(request, PEOPLE, "console/person_add.html", context)
    by, faults = administrator(request), dict[str, str]()
    try:
        normalise(typed)
    except BadAddress:
        faults["address"] = _("That is not a complete address. Write one like ada@example.org.")
    if role is None:
        faults["roles"] = _("Choose a role.")
    try:
        if role is not None and not faults:
            administrators.invite(administrators.add(typed, role, by=by), by=by)
    except OfficeRefused as refused:
        faults["address"] = refused.sentence
    if faults:
        return office_page(request, PEOPLE, "console/person_add.html", {**context, "faults": faults}, status=422)
    return see_done(request, reverse(PEOPLE), "mailed")


@permission_required(May.PEOPLE)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Give someone another role."""
    person = _person(id_)
    context: dict[str, Any] = {"roles": ROLES, "role": _role(request) or person.role}
    if request.method != "POST":
        return _about(request, person, "console/person.html", context)
    role, reason = _role(request), _reason(request)
    if role is None or reason is None:
        missing = {"no_role": role is None, "no_reason": reason is None}
        return _about(request, person, "console/person.html", {**context, **missing}, status=422)
    try:
        administrators.change(person, role, by=administrator(request), reason=reason)
    except OfficeRefused as refused:
        return _about(request, person, "console/person.html", {**context, "error": refused.sentence}, status=409)
    return see_done(request, reverse(PEOPLE), "role")


@permission_required(May.PEOPLE)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Ask on a page, with a reason; then they are out on their next request."""
    person = _person(id_)
    if request.method != "POST":
        return _about(request, person, "console/person_remove.html", {})
    reason = _reason(request)
    if reason is None:
        return _about(request, person, "console/person_remove.html", {"no_reason": True}, status=422)
    try:
        administrators.remove(person, by=administrator(request), reason=reason)
    except OfficeRefused as refused:
        return _about(request, person, "console/person_remove.html", {"error": refused.sentence}, status=409)
    return see_done(request, reverse(PEOPLE), "removed")


@permission_required(May.PEOPLE)
@require_POST
def invite(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Mail a new link to an administrator, whose older one ends."""
    try:
        administrators.invite(_person(id_), by=administrator(request))
    except NotAnAdministrator:
        raise Http404 from None
    return see_done(request, reverse(PEOPLE), "mailed")


def _about(
    request: HttpRequest, person: Person, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    shown = {
        "person": person,
        "address": people.address_of(person),
        "label": Role(person.role).label,
        "reasons": Reason.choices,
        "reason": _reason(request),
        **context,
    }
    return office_page(request, PEOPLE, template, shown, status=status)


def _person(id_: UUID) -> Person:
    try:
        return administrators.find(id_)
    except NotAnAdministrator:
        raise Http404 from None


def _role(request: HttpRequest) -> Role | None:
    return next((role for role in roles.OFFICE if role.value == request.POST.get("role")), None)


def _reason(request: HttpRequest) -> Reason | None:
    return next((reason for reason in Reason if reason.value == request.POST.get("reason")), None)
