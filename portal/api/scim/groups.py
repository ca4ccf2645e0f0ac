"""Groups as SCIM shows and changes them (RFC 7643 section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portal.api.scim.errors import ScimError, bad_value
from portal.api.scim.paths import read_path
from portal.api.scim.users import parted
from portal.directory import keeping
from portal.directory.keeping import Members
from portal.directory.models import Group, Membership, Person
from portal.directory.wanted import clean

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
MOST_AT_ONCE = 10_000
"""Members in one request; providers send a few hundred."""


@dataclass
class Wanted:
    """What a program said of a group; None where it said nothing."""

    name: str | None = None
    external: str | None = None
    members: Members | None = None


def wanted_of(given: Mapping[str, Any]) -> Wanted:
    """ScimError."""
    named = {name.lower(): value for name, value in given.items()}
    made = Wanted()
    if "displayname" in named:
        made.name = _name(named["displayname"])
    if "externalid" in named:
        made.external = _external(named["externalid"])
    if "members" in named:
        made.members = members_of(named["members"])
    return made


def put(group: Group, wanted: Wanted) -> bool:
    """Make a group what was said, all of it; whether anything changed."""
    changed = _describe(group, wanted)
    return keeping.set_members(group, wanted.members or Members()) or changed


def patch(group: Group, operations: list[Any]) -> bool:
    """Whether anything changed. ScimError."""
    before = keeping.members_of(group)
    changed = False
    for operation in operations:
        verb, path, value = parted(operation)
        if not path:
            if not isinstance(value, Mapping):
                raise ScimError(400, "A change needs a path, or a value with attributes.", "noTarget")
            said = wanted_of(value)
            changed = _describe(group, said) or changed
            if said.members is not None:
                keeping.add(group, said.members) if verb == "add" else keeping.set_members(group, said.members)
            continue
        target = read_path(path)
        if target.attribute == "displayname":
            changed = _describe(group, Wanted(name=_name(value))) or changed
        elif target.attribute == "externalid":
            changed = _describe(group, Wanted(external=_external(value))) or changed
        elif target.attribute == "members":
            _change_members(group, verb, target.where, value)
    return keeping.members_of(group) != before or changed


def shown(group: Group, location: str, members: bool) -> dict[str, Any]:
    """The whole resource, `members` with it or not."""
    told: dict[str, Any] = {"schemas": [GROUP], "id": str(group.id), "displayName": group.name}
    if group.external:
        told["externalId"] = group.external
    if members:
        rows = Membership.objects.filter(group=group, domain="").values_list("person_id", "child_id").order_by("pk")
        told["members"] = [
            {"value": str(person or child), "type": "User" if person else "Group"} for person, child in rows
        ]
    told["meta"] = {
        "resourceType": "Group",
        "created": group.made_at.isoformat(),
        "lastModified": group.changed_at.isoformat(),
        "location": location,
        "version": f'W/"{group.version}"',
    }
    return told


def members_of(value: Any) -> Members:
    """The rows that a list of members names. ScimError for one that is not here."""
    listed = [] if value is None else value if isinstance(value, list) else [value]
    if len(listed) > MOST_AT_ONCE:
        raise ScimError(413, f"One request can name up to {MOST_AT_ONCE:,} members.", "tooMany")
    named = {_id(one.get("value") if isinstance(one, Mapping) else one) for one in listed}
    people: set[UUID] = set()
    groups: set[UUID] = set()
    for piece in keeping.pieces(named):
        people |= set(Person.objects.filter(pk__in=piece).values_list("pk", flat=True))
        groups |= set(Group.objects.filter(pk__in=piece).values_list("pk", flat=True))
    if named - people - groups:
        raise bad_value("A member is neither a user nor a group here.")
    return Members(frozenset(people), frozenset(groups))


def _change_members(group: Group, verb: str, where: tuple[str, object] | None, value: Any) -> None:
    if where is not None:
        if where[0] != "value":
            raise ScimError(400, "Members are picked by their value.", "invalidPath")
        value = [{"value": where[1]}]
    if verb == "remove":
        # Who is no member, or no longer here, is gone already.
        keeping.take(group, keeping.members_of(group) if value is None else _named(value))
    elif verb == "add" or where is not None:
        keeping.add(group, members_of(value))
    else:
        keeping.set_members(group, members_of(value))


def _named(value: Any) -> Members:
    listed = value if isinstance(value, list) else [value]
    ids = frozenset(_id(one.get("value") if isinstance(one, Mapping) else one) for one in listed[: MOST_AT_ONCE + 1])
    if len(ids) > MOST_AT_ONCE:
        raise ScimError(413, f"One request can name up to {MOST_AT_ONCE:,} members.", "tooMany")
    return Members(ids, ids)


def _describe(group: Group, wanted: Wanted) -> bool:
    before = (group.name, group.external)
    group.name = group.name if wanted.name is None else wanted.name
    group.external = group.external if wanted.external is None else wanted.external
    return (group.name, group.external) != before


def _id(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise bad_value("A member's value is the id of a user or group here.") from None


def _name(value: object) -> str:
    name = clean(value)[:200] if isinstance(value, str) else ""
    if not name:
        raise bad_value("A group needs a displayName.")
    return name


def _external(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 255:
        raise bad_value("An externalId is text of up to 255 characters.")
    return value
