"""The addresses of groups under /scim/v2/Groups."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from portal.api.models import Token
from portal.api.scim import groups
from portal.api.scim.errors import ScimError, bad_value, not_found
from portal.api.scim.exchange import SHOWS, body, check_version, guarded_by_token, one, operations, several
from portal.api.scim.paths import read_filter
from portal.audit.record import record
from portal.directory import keeping
from portal.directory.models import Group, Source
from portal.directory.sealed import external_lookup_of
from portal.ids import ids_of


@guarded_by_token
def all_groups(request: HttpRequest, token: Token) -> HttpResponse:
    """List and find, or add."""
    if request.method == "POST":
        return _add_group(request, token)
    if request.method not in SHOWS:
        raise ScimError(405, "This address takes GET and POST.")
    rows = Group.objects.all()
    if asked := request.GET.get("filter"):
        rows = _groups_by(asked)
    return several(request, rows, lambda row: _group(request, row))


@guarded_by_token
def one_group(request: HttpRequest, token: Token, id_: UUID) -> HttpResponse:
    """Show, replace, change or remove one."""
    with transaction.atomic():
        group = Group.objects.select_for_update().filter(pk=id_).first()
        if group is None:
            raise not_found()
        check_version(request, group.version)
        if request.method == "DELETE":
            record("directory.group_removed", group=str(group.pk), token=token.pk)
            group.delete()
            return HttpResponse(status=204)
        if request.method in ("PUT", "PATCH"):
            _change_group(request, group, token)
        elif request.method not in SHOWS:
            raise ScimError(405, "This address takes GET, PUT, PATCH and DELETE.")
    return one(request, _group(request, group), group.version)


def _add_group(request: HttpRequest, token: Token) -> HttpResponse:
    wanted = groups.wanted_of(body(request))
    if wanted.name is None:
        raise bad_value("A group needs a displayName.")
    with transaction.atomic():
        slug = keeping.slug_of(wanted.name)
        group = Group.objects.select_for_update().filter(slug=slug).exclude(source=Source.SCIM).first()
        if group is None and Group.objects.filter(slug=slug, name=wanted.name).exists():
            raise ScimError(409, "A group with this displayName is here already.", "uniqueness")
        # A group that came from a file is kept by the program from now on: rules that name it go on.
        group = group or Group(slug=keeping.free_slug(wanted.name))
        group.name, group.external, group.source = wanted.name, wanted.external or "", Source.SCIM
        group.external_lookup = external_lookup_of(group.external) if group.external else b""
        group.save()
        keeping.set_members(group, wanted.members or keeping.Members())
        record("directory.group_added", group=str(group.pk), token=token.pk)
    return one(request, _group(request, group), group.version, 201)


def _change_group(request: HttpRequest, group: Group, token: Token) -> None:
    if request.method == "PUT":
        wanted = groups.wanted_of(body(request))
        if wanted.name is None:
            raise bad_value("A group needs a displayName.")
        changed = groups.put(group, wanted)
    else:
        changed = groups.patch(group, operations(request))
    if not changed:
        return
    group.source, group.version = Source.SCIM, group.version + 1
    group.external_lookup = external_lookup_of(group.external) if group.external else b""
    group.save()
    record("directory.group_changed", group=str(group.pk), token=token.pk)


def _groups_by(text: str) -> QuerySet[Group]:
    asked = read_filter(text)
    if asked.attribute == "displayname":
        return Group.objects.filter(name=asked.value)
    if asked.attribute == "externalid":
        lookup = external_lookup_of(asked.value)
        return Group.objects.filter(external_lookup=lookup) if asked.value else Group.objects.none()
    if asked.attribute == "id":
        return Group.objects.filter(pk__in=ids_of([asked.value]))
    raise ScimError(400, "Groups are found by displayName, externalId or id.", "invalidFilter")


def _group(request: HttpRequest, group: Group) -> dict[str, Any]:
    left_out = request.GET.get("excludedAttributes", "").lower().replace(" ", "").split(",")
    location = request.build_absolute_uri(f"/scim/v2/Groups/{group.pk}")
    return groups.shown(group, location, members="members" not in left_out)
