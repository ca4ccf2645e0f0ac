"""Who is in which groups, and what is known of somebody: what rules ask the directory, a few queries a mail at most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from uuid import UUID

from portal.directory.models import Group, Membership, Person
from portal.directory.sealed import held_in, lookup_of
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress

DEEPEST = 10
"""Groups within groups that are followed; a circle ends by itself."""
Edges = Mapping[UUID, Iterable[UUID]]


def groups_of(addresses: Collection[str]) -> Mapping[str, frozenset[str]]:
    """The slugs of the groups that each address is in, itself, by its domain, or through groups within groups.

    Every address given is a key, whether the directory knows it or not; two queries for all of them.
    """
    if not addresses:
        return {}
    by_lookup = _grouped(addresses)
    by_domain: dict[str, list[str]] = defaultdict(list)
    for address in set(addresses):
        if domain := _domain(address):
            by_domain[domain].append(address)
    direct: dict[str, set[UUID]] = {address: set() for address in addresses}
    slugs: dict[UUID, str] = {}
    here = Membership.objects.filter(person__lookup__in=list(by_lookup), person__active=True)
    for lookup, group, slug in here.values_list("person__lookup", "group_id", "group__slug"):
        slugs[group] = slug
        for address in by_lookup[bytes(lookup or b"")]:
            direct[address].add(group)
    above: dict[UUID, list[UUID]] = defaultdict(list)
    for child, domain, group, slug in _groups_and_domains(list(by_domain)):
        slugs[group] = slug
        if child is not None:
            above[child].append(group)
        for address in by_domain.get(domain, []) if domain else []:
            direct[address].add(group)
    return {address: frozenset(slugs[group] for group in _reached(of, above)) for address, of in direct.items()}


def groups_of_one(address: str) -> frozenset[str]:
    """The same for one address."""
    return groups_of([address])[address]


def attributes_of(addresses: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """What is known of each address (portal.directory.sealed.ATTRIBUTES); one query. Unknown ones are left out."""
    by_lookup = _grouped(addresses)
    found: dict[str, Mapping[str, str]] = {}
    for person in Person.objects.filter(lookup__in=list(by_lookup)):
        attributes = held_in(person).attributes
        found.update(dict.fromkeys(by_lookup[bytes(person.lookup or b"")], attributes))
    return found


def has_left(lookup: bytes) -> bool:
    """Whether the directory has the person of this hash of an address, and says that they are not active. Whom it does
    not know has not left: not everybody need be in it."""
    return Person.objects.filter(lookup=lookup, active=False).exists()


def existing(groups: Collection[str]) -> frozenset[str]:
    """Those of these groups, by their slugs, that there are: who is in one that is gone, nobody can say."""
    return frozenset(Group.objects.filter(slug__in=list(groups)).values_list("slug", flat=True))


def members(slug: str) -> frozenset[str]:
    """The addresses in a group and in those within it, and `@domain` for everyone at one; none for no such group."""
    first = Group.objects.filter(slug=slug).values_list("pk", flat=True).first()
    if first is None:
        return frozenset()
    below: dict[UUID, list[UUID]] = defaultdict(list)
    for child, group in Membership.objects.filter(child__isnull=False).values_list("child_id", "group_id"):
        below[group].append(child)
    inside = list(_reached([first], below))
    here = Membership.objects.filter(group__in=inside)
    people = Person.objects.filter(pk__in=here.filter(person__active=True).values("person"))
    domains = {f"@{domain}" for domain in here.exclude(domain="").values_list("domain", flat=True)}
    return frozenset({held.address for person in people if (held := held_in(person)).address} | domains)


def _groups_and_domains(domains: list[str]) -> Iterable[tuple[UUID | None, str, UUID, str]]:
    """All groups in groups, and these domains in groups, by two indexes that hold nothing else; one statement.

    An OR of the two, or of either with people, has SQLite walk through every membership there is.
    """
    told = ("child_id", "domain", "group_id", "group__slug")
    nested = Membership.objects.filter(child__isnull=False).values_list(*told)
    named = Membership.objects.exclude(domain="").filter(domain__in=domains).values_list(*told)
    return nested.union(named, all=True)


def _reached(start: Iterable[UUID], edges: Edges) -> set[UUID]:
    seen = set(start)
    edge = set(seen)
    for _ in range(DEEPEST):
        edge = {further for one in edge for further in edges.get(one, ())} - seen
        if not edge:
            break
        seen |= edge
    return seen


def _grouped(addresses: Collection[str]) -> dict[bytes, list[str]]:
    """Hash to the addresses as they were given: two spellings of one address are one person."""
    found: dict[bytes, list[str]] = defaultdict(list)
    for address in set(addresses):
        with suppress(BadAddress):
            found[lookup_of(address)].append(address)
    return found


def _domain(address: str) -> str:
    try:
        return domain_of(address)
    except BadAddress:
        return ""
