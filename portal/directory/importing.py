"""Takes over what a file wants: first what would change, then the change, all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from portal.audit.record import by_whom, record
from portal.directory import csvfile, keeping, ldif
from portal.directory.keeping import Members
from portal.directory.models import Group, Import, Membership, Person, Source
from portal.directory.sealed import Held, held_in, lookup_of
from portal.directory.wanted import BadFile, Wanted, WantedGroup

MOST_REMOVED_PERCENT = 20
"""Of the people, or of the groups, of one source: more are removed only when that was said again."""
FEW = 10
"""Below this many nothing is a great part of anything."""
_PIECE = 500


class TooManyRemoved(Exception):
    """More would be removed than an import may by itself."""

    def __init__(self) -> None:
        super().__init__(
            f"That removes more than {MOST_REMOVED_PERCENT} % of the people or groups. If the file is complete, say so."
        )


@dataclass
class Plan:
    """What an import would do. Addresses stand in it, so it is shown only where they may be seen."""

    source: str
    wanted: Wanted = field(repr=False)
    added: list[str] = field(default_factory=list, repr=False)
    changed: dict[str, Person] = field(default_factory=dict, repr=False)
    removed: dict[str, UUID] = field(default_factory=dict, repr=False)
    elsewhere: int = 0
    """People and groups that another source keeps: as they are, but they can be members."""
    groups_added: list[str] = field(default_factory=list)
    groups_removed: dict[str, UUID] = field(default_factory=dict)
    joined: int = 0
    left: int = 0
    is_drastic: bool = False
    removes_missing: bool = False

    @property
    def is_empty(self) -> bool:
        return not (
            self.added
            or self.changed
            or self.removed
            or self.groups_added
            or self.groups_removed
            or self.joined
            or self.left
        )

    def digest(self) -> str:
        """The same for the same plan: whether what is applied is what was shown."""
        lists = (sorted(self.added), sorted(self.changed), sorted(self.removed), sorted(self.groups_added))
        told = repr((lists, sorted(self.groups_removed), self.joined, self.left, self.removes_missing))
        return hashlib.sha256(told.encode()).hexdigest()


def read(data: bytes, source: str) -> Wanted:
    """BadFile."""
    if source == Source.CSV:
        return csvfile.read(data)
    if source == Source.LDIF:
        return ldif.read(data)
    raise BadFile("A file is CSV or LDIF.")


def source_of(name: str) -> str:
    """By a file's name. BadFile for another ending."""
    ending = name.rpartition(".")[2].lower()
    if ending in ("csv", "tsv", "txt"):
        return Source.CSV
    if ending in ("ldif", "ldf"):
        return Source.LDIF
    raise BadFile("The file's name must end in .csv or .ldif.")


def plan(wanted: Wanted, source: str, *, removes_missing: bool = False) -> Plan:
    """What would change. With `removes_missing` the file is complete: of this source, what it does not name goes."""
    made = Plan(source, wanted, removes_missing=removes_missing)
    lookups = {lookup_of(address): address for address in wanted.people}
    mine = 0
    for person in Person.objects.filter(lookup__isnull=False).iterator(_PIECE):
        address = lookups.pop(bytes(person.lookup or b""), "")
        if person.source != source:
            made.elsewhere += bool(address)
            continue
        mine += 1
        if not address:
            if removes_missing and wanted.lists_people:
                made.removed[held_in(person).address] = person.pk
        elif wanted.people[address].described and _differs(person, wanted, address):
            made.changed[address] = person
    made.added = sorted(lookups.values())
    groups = {group.slug: group for group in Group.objects.all()}
    own = [group for group in groups.values() if group.source == source]
    made.groups_added = sorted(set(wanted.groups) - set(groups))
    made.elsewhere += sum(slug in groups and groups[slug].source != source for slug in wanted.groups)
    if removes_missing and wanted.lists_groups:
        made.groups_removed = {group.slug: group.pk for group in own if group.slug not in wanted.groups}
    _count_members(made, groups)
    made.is_drastic = _is_much(len(made.removed), mine) or _is_much(len(made.groups_removed), len(own))
    made.is_drastic = made.is_drastic or _is_much(made.left, Membership.objects.filter(group__source=source).count())
    return made


def apply(made: Plan, *, by: UUID | None = None, confirmed: bool = False) -> Import:
    """Do what the plan says, in one transaction, with its entry in the record. TooManyRemoved unless `confirmed`."""
    if made.is_drastic and not confirmed:
        raise TooManyRemoved
    wanted, source = made.wanted, made.source
    with transaction.atomic():
        for start in range(0, len(made.added), _PIECE):
            rows = [
                keeping.new_person(_held(wanted, address), source, active=wanted.people[address].active)
                for address in made.added[start : start + _PIECE]
            ]
            Person.objects.bulk_create(rows)
        for address, person in made.changed.items():
            keeping.say(person, _held(wanted, address))
            person.active = wanted.people[address].active
            person.save(update_fields=["lookup", "sealed", "version", "active", "changed_at"])
        _remove(Person, made.removed.values())
        _remove(Group, made.groups_removed.values())
        Group.objects.bulk_create(
            Group(slug=slug, name=wanted.groups[slug].name, source=source) for slug in made.groups_added
        )
        _set_members(made)
        done = Import.objects.create(
            at=timezone.now(),
            source=source,
            people=Person.objects.filter(source=source).count(),
            groups=Group.objects.filter(source=source).count(),
            added=len(made.added),
            changed=len(made.changed),
            removed=len(made.removed),
        )
        record(
            "directory.imported",
            source=source,
            added=len(made.added),
            changed=len(made.changed),
            removed=len(made.removed),
            groups_added=len(made.groups_added),
            groups_removed=len(made.groups_removed),
            joined=made.joined,
            left=made.left,
            by=by_whom(by),
        )
    return done


def _differs(person: Person, wanted: Wanted, address: str) -> bool:
    return person.active != wanted.people[address].active or held_in(person) != _held(wanted, address)


def _held(wanted: Wanted, address: str) -> Held:
    return Held(address, wanted.people[address].attributes)


def _count_members(made: Plan, groups: dict[str, Group]) -> None:
    for slug, group in made.wanted.groups.items():
        row = groups.get(slug)
        if row is not None and row.source != made.source:
            continue
        there = keeping.members_of(row) if row is not None else Members()
        wanted_people = {lookup_of(address) for address in group.people}
        people = _lookups(there.people)
        slugs = {one.slug for one in groups.values() if one.pk in there.groups}
        made.joined += (
            len(wanted_people - people) + len(group.groups - slugs - {slug}) + len(group.domains - there.domains)
        )
        if made.removes_missing:
            made.left += len(people - wanted_people) + len(slugs - group.groups) + len(there.domains - group.domains)


def _lookups(people: Collection[UUID]) -> set[bytes]:
    found: set[bytes] = set()
    for piece in keeping.pieces(people):
        found |= {
            bytes(lookup or b"") for lookup in Person.objects.filter(pk__in=piece).values_list("lookup", flat=True)
        }
    return found


def _set_members(made: Plan) -> None:
    groups = {group.slug: group for group in Group.objects.all()}
    for slug, group in made.wanted.groups.items():
        row = groups[slug]
        if row.source == made.source:
            who = _rows(group, groups)
            keeping.set_members(row, who) if made.removes_missing else keeping.add(row, who)


def _rows(group: WantedGroup, groups: dict[str, Group]) -> Members:
    people: set[UUID] = set()
    for piece in keeping.pieces([lookup_of(address) for address in group.people]):
        people |= set(Person.objects.filter(lookup__in=piece).values_list("pk", flat=True))
    return Members(frozenset(people), frozenset(groups[slug].pk for slug in group.groups), frozenset(group.domains))


def _remove(model: type[Person] | type[Group], rows: Collection[UUID]) -> None:
    for piece in keeping.pieces(rows):
        model.objects.filter(pk__in=piece).delete()


def _is_much(gone: int, of: int) -> bool:
    return gone >= FEW and gone * 100 > of * MOST_REMOVED_PERCENT
