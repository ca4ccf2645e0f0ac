"""What /Users and /Groups answer alike: list and find, add, show, replace, change, remove (RFC 7644 section 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from portal.api.models import Token
from portal.api.scim.errors import ScimError, not_found
from portal.api.scim.exchange import SHOWS, check_version, one, several
from portal.directory.models import Group, Person

Row = TypeVar("Row", Person, Group)


@dataclass(frozen=True)
class Resource(Generic[Row]):
    """A kind of resource, by what is its own."""

    model: type[Row]
    found: Callable[[str], QuerySet[Row]]
    """By a filter. Raises ScimError."""
    shown: Callable[[HttpRequest, Row], dict[str, Any]]
    add: Callable[[HttpRequest, Token], Row]
    change: Callable[[HttpRequest, Row, Token], None]
    """By PUT or PATCH, within a transaction."""
    remove: Callable[[Row, Token], None]

    def collection(self, request: HttpRequest, token: Token) -> HttpResponse:
        """List and find, or add."""
        if request.method == "POST":
            row = self.add(request, token)
            return one(request, self.shown(request, row), row.version, 201)
        if request.method not in SHOWS:
            raise ScimError(405, "This address takes GET and POST.")
        asked = request.GET.get("filter")
        rows = self.found(asked) if asked else self.model.objects.all()
        return several(request, rows, lambda row: self.shown(request, row))

    def single(self, request: HttpRequest, token: Token, id_: UUID) -> HttpResponse:
        """Show, replace, change or remove one."""
        with transaction.atomic():
            row = self.model.objects.select_for_update().filter(pk=id_).first()
            if row is None:
                raise not_found()
            check_version(request, row.version)
            if request.method == "DELETE":
                self.remove(row, token)
                return HttpResponse(status=204)
            if request.method in ("PUT", "PATCH"):
                self.change(request, row, token)
            elif request.method not in SHOWS:
                raise ScimError(405, "This address takes GET, PUT, PATCH and DELETE.")
        return one(request, self.shown(request, row), row.version)
