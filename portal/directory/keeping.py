"""Writing the directory: people, groups, and who is in them. Callers hold the transaction and write the record."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID, uuid4

from portal.directory.models import Group, Membership, Person
from portal.directory.sealed import Held, held_in, lookup_of, seal

MOST_SLUG = 80
_PIECES = 500
T = TypeVar("T")


@dataclass(frozen=True)
class Members:
    """Who is in one group, by the rows of people and groups, and domains in their comparing form."""

    people: frozenset[UUID] = frozenset()
    groups: frozenset[UUID] = frozenset()
    domains: frozenset[str] = field(default=frozenset(), repr=False)


def slug_of(name: str) -> str:
    """A group's slug: its name in lower-case ASCII letters, digits and hyphens; "group" when nothing of it is left."""
    letters = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("ø", "o").replace("Ø", "o"))
    plain = letters.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MOST_SLUG].rstrip("-") or "group"


def free_slug(name: str) -> str:
    """The slug of a name, with a number behind it when another group has it."""
    slug = slug_of(name)
    if not Group.objects.filter(slug=slug).exists():
        return slug
    taken = set(Group.objects.filter(slug__startswith=slug[: MOST_SLUG - 7]).values_list("slug", flat=True))
    numbered = (f"{slug[: MOST_SLUG - 7]}-{number}" for number in range(2, 100_000))
    return next(slug for slug in numbered if slug not in taken)


def new_person(held: Held, source: str, *, active: bool = True, external_lookup: bytes = b"") -> Person:
    """A row, not yet saved. BadAddress."""
    number = uuid4()
    lookup = lookup_of(held.address) if held.address else None
    return Person(
        id=number,
        lookup=lookup,
        sealed=seal(number, held),
        source=source,
        active=active,
        external_lookup=external_lookup,
    )


def say(person: Person, held: Held) -> bool:
    """Put what is known now into a row, unsaved; whether it is anything new."""
    if held_in(person) == held:
        return False
    person.lookup = lookup_of(held.address) if held.address else None
    person.sealed = seal(person.id, held)
    person.version += 1
    return True


def members_of(group: Group) -> Members:
    """Who is in it directly."""
    rows = Membership.objects.filter(group=group).values_list("person", "child", "domain")
    people, children, domains = zip(*rows, strict=True) if rows else ((), (), ())
    return Members(frozenset(filter(None, people)), frozenset(filter(None, children)), frozenset(filter(None, domains)))


def set_members(group: Group, wanted: Members) -> bool:
    """Make a saved group's direct members just these; whether anything changed. A group is never its own member."""
    there = members_of(group)
    groups = wanted.groups - {group.pk}
    add(group, Members(wanted.people - there.people, groups - there.groups, wanted.domains - there.domains))
    take(group, Members(there.people - wanted.people, there.groups - groups, there.domains - wanted.domains))
    return there != Members(wanted.people, groups, wanted.domains)


def add(group: Group, who: Members) -> None:
    """Add members; those who are in it stay."""
    rows = [Membership(group=group, person_id=person) for person in who.people]
    rows += [Membership(group=group, child_id=child) for child in who.groups if child != group.pk]
    Membership.objects.bulk_create(rows, batch_size=_PIECES, ignore_conflicts=True)
    known = set(Membership.objects.filter(group=group).exclude(domain="").values_list("domain", flat=True))
    Membership.objects.bulk_create(Membership(group=group, domain=domain) for domain in who.domains - known)


def take(group: Group, who: Members) -> None:
    """Take members out; those who are not in it are passed over."""
    here = Membership.objects.filter(group=group)
    for people in pieces(who.people):
        here.filter(person__in=people).delete()
    for groups in pieces(who.groups):
        here.filter(child__in=groups).delete()
    if who.domains:
        here.filter(domain__in=who.domains).delete()


def pieces(values: Collection[T]) -> list[list[T]]:
    """So many as every database takes in one statement."""
    listed = list(values)
    return [listed[start : start + _PIECES] for start in range(0, len(listed), _PIECES)]
