"""What /Users and /Groups answer alike: list and find, add, show, replace, change, remove (RFC 7644 section 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from portal.api.models import Token
from portal.api.scim.errors import ScimError, not_found
from portal.api.scim.exchange import SHOWS, check_version, one, several
from portal.directory.models import Group, Person

Row = TypeVar("Row", Person, Group)
Shown = Callable[[HttpRequest, Row], dict[str, Any]]


def collection(
    request: HttpRequest,
    token: Token,
    rows: QuerySet[Row],
    found: Callable[[str], QuerySet[Row]],
    shown: Shown[Row],
    add: Callable[[HttpRequest, Token], Row],
) -> HttpResponse:
    """List, find by a filter, or add."""
    if request.method == "POST":
        row = add(request, token)
        return one(request, shown(request, row), row.version, 201)
    if request.method not in SHOWS:
        raise ScimError(405, "This address takes GET and POST.")
    asked = request.GET.get("filter")
    return several(request, found(asked) if asked else rows, lambda row: shown(request, row))


def single(
    request: HttpRequest,
    token: Token,
    rows: QuerySet[Row],
    id_: UUID,
    shown: Shown[Row],
    change: Callable[[HttpRequest, Row, Token], None],
    remove: Callable[[Row, Token], None],
) -> HttpResponse:
    """Show, replace, change or remove one."""
    with transaction.atomic():
        row = rows.select_for_update().filter(pk=id_).first()
        if row is None:
            raise not_found()
        check_version(request, row.version)
        if request.method == "DELETE":
            remove(row, token)
            return HttpResponse(status=204)
        if request.method in ("PUT", "PATCH"):
            change(request, row, token)
        elif request.method not in SHOWS:
            raise ScimError(405, "This address takes GET, PUT, PATCH and DELETE.")
    return one(request, shown(request, row), row.version)
