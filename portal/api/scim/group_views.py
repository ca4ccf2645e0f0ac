"""The addresses of groups under /scim/v2/Groups."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from portal.api.models import Token
from portal.api.scim import groups
from portal.api.scim.errors import ScimError, bad_value
from portal.api.scim.exchange import body, guarded_by_token, operations
from portal.api.scim.paths import read_filter
from portal.api.scim.resources import collection, single
from portal.audit.record import record
from portal.directory import keeping
from portal.directory.models import Group, Source
from portal.directory.sealed import external_lookup_of
from portal.ids import ids_of


@guarded_by_token
def all_groups(request: HttpRequest, token: Token) -> HttpResponse:
    return collection(request, token, Group.objects.all(), _groups_by, _group, _add_group)


@guarded_by_token
def one_group(request: HttpRequest, token: Token, id_: UUID) -> HttpResponse:
    return single(request, token, Group.objects.all(), id_, _group, _change_group, _remove_group)


def _add_group(request: HttpRequest, token: Token) -> Group:
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
    return group


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


def _remove_group(group: Group, token: Token) -> None:
    record("directory.group_removed", group=str(group.pk), token=token.pk)
    group.delete()


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
