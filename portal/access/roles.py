"""What administrators may do: each has one role, and each role a fixed set of permissions. None shows content."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from portal.access import grants
from portal.access.models import Person
from portal.directory import membership

Role = Person.Role


class May(StrEnum):
    """A permission; every page of the office asks for one (portal.access.decorators)."""

    OVERVIEW = "overview"
    SEE_MESSAGES = "see_messages"
    """What became of a message, with masked addresses."""
    ACT_ON_MESSAGES = "act_on_messages"
    RULES = "rules"
    BRANDS = "brands"
    AUDIT = "audit"
    HEALTH = "health"
    KEYS = "keys"
    REPORTS = "reports"
    PROGRAMS = "programs"
    """Tokens of programs, webhooks, and what a directory fills groups by."""
    SETTINGS = "settings"
    PEOPLE = "people"


# docs/administrators.md prints the same table, and tests/console/test_roles.py walks every page by the printed one.
_TABLE: dict[Role, frozenset[May]] = {
    Role.READER: frozenset(),
    Role.OWNER: frozenset(May),
    # Who appoints owners is one: so all that an administrator lacks is the people.
    Role.ADMINISTRATOR: frozenset(May) - {May.PEOPLE},
    Role.RULES: frozenset({May.OVERVIEW, May.RULES}),
    Role.BRANDS: frozenset({May.OVERVIEW, May.BRANDS}),
    Role.SUPPORT: frozenset({May.OVERVIEW, May.SEE_MESSAGES, May.HEALTH, May.REPORTS}),
    # The timeline of a message is the record of it, read message by message.
    Role.AUDITOR: frozenset({May.OVERVIEW, May.SEE_MESSAGES, May.AUDIT, May.REPORTS}),
}
PERMISSIONS: Mapping[Role, frozenset[May]] = MappingProxyType(_TABLE)
OFFICE: tuple[Role, ...] = tuple(role for role, permissions in _TABLE.items() if permissions)
"""The roles of administrators, in the order in which pages list them."""


def permissions_of(person: Person) -> frozenset[May]:
    """Empty for a reader, for a role that a newer version wrote (what is not known here is not allowed), for one that
    nobody here gave, and for whoever the directory has switched off."""
    found = PERMISSIONS.get(Role(person.role), frozenset()) if person.role in Role.values else frozenset()
    return found if found and _was_given(person) else frozenset()


def _was_given(person: Person) -> bool:
    """Asked for many times while a page is made, so looked at once for the row as it was read."""
    read = (person.role, person.password, person.lookup, bytes(person.seal))
    if person.was_given is None or person.was_given[0] != read:
        person.was_given = read, grants.is_whole(person) and not _has_left(person)
    return person.was_given[1]


def _has_left(person: Person) -> bool:
    """Whether the directory has switched them off. Owners are not asked about: whoever fills the directory, or has its
    program's token, could else lock out everybody who might stop them."""
    return person.role != Role.OWNER and membership.has_left(bytes.fromhex(person.lookup))


def may(person: Person | None, permission: May) -> bool:
    """Whether this person has the permission now. Ask for each request: a role can change between two of them."""
    return person is not None and permission in permissions_of(person)
