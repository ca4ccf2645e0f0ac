"""What a file says that the directory should hold, and what is wrong with the file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from portal.directory.keeping import slug_of
from portal.directory.sealed import ATTRIBUTES, MOST_CHARACTERS
from portal.mime.addresses import domain_of, normalise
from portal.mime.errors import BadAddress

MOST_BYTES = 50_000_000
"""Of a file."""
MOST_PEOPLE, MOST_GROUPS, MOST_MEMBERS = 200_000, 20_000, 1_000_000
MOST_PROBLEMS = 50
"""That are told one by one."""
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")


class BadFile(Exception):
    """Nothing can be taken from the file; the sentence is for the administrator."""


@dataclass
class WantedPerson:
    """Of one address."""

    attributes: dict[str, str] = field(default_factory=dict, repr=False)
    active: bool = True
    described: bool = False
    """The file has a line or entry of their own, not only a group that they are in."""


@dataclass
class WantedGroup:
    """One group with its direct members: addresses, slugs of groups, domains."""

    name: str
    people: set[str] = field(default_factory=set, repr=False)
    groups: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)


@dataclass
class Wanted:
    """People by their address in its comparing form, groups by their slug."""

    people: dict[str, WantedPerson] = field(default_factory=dict, repr=False)
    groups: dict[str, WantedGroup] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """Sentences with the number of a line; they quote nothing of the file."""
    left_out: int = 0
    """Lines or entries that were passed over."""
    lists_people: bool = True
    """It can be complete about people, and about groups."""
    lists_groups: bool = True
    _members: int = 0

    def problem(self, sentence: str) -> None:
        self.left_out += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(sentence)

    def person(
        self, address: str, said: Iterable[tuple[str, str]] = (), *, active: bool = True, described: bool = True
    ) -> str:
        """Take up a person, or add to what was said of them before; their address. BadAddress, BadFile."""
        plain = normalise(address)
        row = self.people.get(plain)
        if row is None:
            if len(self.people) >= MOST_PEOPLE:
                raise BadFile(f"The file names more than {MOST_PEOPLE:,} people.")
            row = self.people[plain] = WantedPerson(active=active)
        row.active = row.active and active
        row.described = row.described or described
        for name, value in said:
            if name in ATTRIBUTES and (short := clean(value)):
                row.attributes.setdefault(name, short)
        return plain

    def group(self, name: str) -> WantedGroup:
        """Take up a group by its name. BadFile."""
        name = clean(name)[:200]
        slug = slug_of(name)
        if slug not in self.groups:
            if len(self.groups) >= MOST_GROUPS:
                raise BadFile(f"The file names more than {MOST_GROUPS:,} groups.")
            self.groups[slug] = WantedGroup(name)
        return self.groups[slug]

    def join(self, group: WantedGroup, member: str) -> None:
        """Put an address, an `@domain` or a `group:Name` into a group. BadAddress, BadFile."""
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise BadFile(f"The file has more than {MOST_MEMBERS:,} members of groups.")
        if member.lower().startswith("group:"):
            inner = self.group(member[6:])
            group.groups.add(slug_of(inner.name))
        elif member.startswith("@"):
            group.domains.add(domain_of("x" + member))
        else:
            group.people.add(self.person(member, described=False))


def clean(value: str) -> str:
    """One line of text without control and direction-changing characters, as long as an attribute may be."""
    return " ".join(_NO_TEXT.sub(" ", value).split())[:MOST_CHARACTERS]


def address_or_nothing(value: str) -> str:
    """An address in its comparing form; "" when it is none."""
    try:
        return normalise(value)
    except BadAddress:
        return ""
