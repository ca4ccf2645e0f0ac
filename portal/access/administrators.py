"""Who administers: added, given another role, removed. There is always an owner, and the record says who did it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from portal.access import grants, people, roles, sessions
from portal.access.credentials import Passkey
from portal.access.models import EntryLink, Person, Session
from portal.access.office_errors import AlreadyAdministrator, LastOwner, NotAnAdministrator
from portal.audit.record import Fact, by_whom, record
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue

Role = Person.Role


class Reason(models.TextChoices):
    """Why someone's role is taken or changed. A fixed list, because the record holds nothing that a person wrote."""

    DUTIES = "duties", _lazy("Other duties now")
    LEFT = "left", _lazy("Left the organisation")
    RISK = "risk", _lazy("Their device or account may be in other hands")
    MISTAKE = "mistake", _lazy("Was added by mistake")


_ROLES_LOCK = 0x6C6C_726F_6C65
"""Number of PostgreSQL's advisory lock under which roles change; any that nothing else here takes."""


@dataclass(frozen=True)
class Member:
    """One administrator as the list shows them."""

    person: Person
    address: str
    """"" for the first administrator before they said theirs."""
    role: str
    ways: str
    """How they sign in, in words; "" while they have nothing but links."""
    seen_at: datetime | None

    def __repr__(self) -> str:
        return f"Member({self.person.id})"


def everyone() -> list[Member]:
    """All administrators, owners first, then as they were last seen."""
    found = Person.objects.filter(role__in=roles.OFFICE).annotate(
        seen_at=models.Max("sessions__seen_at", filter=models.Q(sessions__office=True))
    )
    holders = set(Passkey.objects.filter(office=True, asleep_at=None).values_list("person", flat=True))
    members = [_member(person, person.pk in holders) for person in found]
    latest = sorted(members, key=lambda one: one.seen_at.timestamp() if one.seen_at else 0, reverse=True)
    return sorted(latest, key=lambda one: roles.OFFICE.index(Role(one.person.role)))


def find(id_: UUID) -> Person:
    """The administrator with this id. Raises NotAnAdministrator."""
    person = Person.objects.filter(pk=id_, role__in=roles.OFFICE).first()
    if person is None:
        raise NotAnAdministrator
    return person


def add(address: str, role: Role, *, by: Person | None) -> Person:
    """Make the person of an address an administrator; `by` is None on the command line.

    Raises:
        BadAddress: it is no address.
        AlreadyAdministrator: they have a role, which `change` gives anew.
    """
    person = people.of_address(address)
    with transaction.atomic():
        _must_not_administer(person)
        _give(person, role, password=people.NO_PASSWORD)
    record("administrator.added", person=str(person.id), role=role.value, by=by_whom(by.pk if by else None))
    return person


def owner(address: str) -> Person:
    """The person of an address, made an owner unless they have a role already. BadAddress when it is none."""
    person = people.of_address(address)
    return person if roles.permissions_of(person) else add(address, Role.OWNER, by=None)


def invite(person: Person, *, by: Person | None) -> None:
    """Ask for the mail with their one-time link; a newer one ends the older."""
    address = people.address_of(person)
    if not address:
        raise NotAnAdministrator
    enqueue(Outbound.Kind.INVITATION, address=address, subject_row=person.id)
    record("administrator.invited", person=str(person.id), by=by_whom(by.pk if by else None))


def change(person: Person, role: Role, *, by: Person | None, reason: Reason | None = None) -> None:
    """Give an administrator another role, from their next request on. Raises LastOwner, NotAnAdministrator."""
    with transaction.atomic():
        was = _locked(person, keeps_owner=role == Role.OWNER)
        held = Person.objects.get(pk=person.pk)
        if not grants.fits(held):  # no role is built on one that nobody gave: it is removed first
            raise NotAnAdministrator
        before = copy(held)
        _give(held, role, password=held.password)
        _note("administrator.role_changed", person, by, reason, was=was, role=role.value)
        grants.end(before)
    person.role, person.password, person.seal = held.role, held.password, held.seal


def remove(person: Person, *, by: Person | None, reason: Reason | None = None) -> None:
    """Take the role, the links and every way in from them; they are out on their next request.

    Raises:
        LastOwner, NotAnAdministrator.
    """
    with transaction.atomic():
        was = _locked(person, keeps_owner=False)
        role = Person.objects.get(pk=person.pk)
        Person.objects.filter(pk=person.pk).update(role=Role.READER, password=people.NO_PASSWORD, seal=b"")
        Session.objects.filter(person=person, office=True).delete()
        links = EntryLink.objects.filter(person=person, used_at=None)
        held = Passkey.objects.filter(person=person, office=True)
        ended = [*held, *links]
        held.delete()
        links.delete()
        _note("administrator.removed", person, by, reason, was=was)
        grants.end(role, *ended)
    person.role, person.password, person.seal = Role.READER, people.NO_PASSWORD, b""


def say_address(first: Person, address: str) -> Person:
    """Who the first administrator is, who was made before any address was known; sessions and links go along.

    It proves nothing, and opens no message: only who may start the portal's commands gets this far.

    Raises:
        BadAddress: it is no address.
        AlreadyAdministrator: another administrator has it, or this one has an address.
    """
    with transaction.atomic():
        person = people.of_address(address)
        was = _locked(first, keeps_owner=True)
        held = Person.objects.get(pk=first.pk)
        if first.address or not grants.fits(held):
            raise AlreadyAdministrator
        _must_not_administer(person)
        _give(person, Role(was), password=people.NO_PASSWORD)
        Person.objects.filter(pk=person.pk).update(last_login=first.last_login)
        sessions.change(Session.objects.filter(person=first, office=True), lambda row: setattr(row, "person", person))
        _move_links(first, person)
        first.delete()
        record("administrator.named", person=str(person.id))
        grants.end(held)
    return person


def _must_not_administer(person: Person) -> None:
    """Call in the transaction that gives a role: two who add the same address at once add it once."""
    if not Person.objects.select_for_update().filter(pk=person.pk, role=Role.READER).exists():
        raise AlreadyAdministrator


def _give(person: Person, role: Role, *, password: str) -> None:
    """Give a person a role, and this password (hashed) and no other."""
    person.role, person.password = role, password
    grants.seal(person)
    person.save(update_fields=["role", "password", "seal"])


def _move_links(first: Person, person: Person) -> None:
    for link in EntryLink.objects.select_related("person").filter(person=first, used_at=None):
        if grants.fits(link):
            link.person = person
            grants.seal(link)
            link.save(update_fields=["person", "seal"])


def _locked(person: Person, *, keeps_owner: bool) -> str:
    """The role the person has, while nobody else changes any: of two owners who demote each other one is refused.

    One lock for all, not the owners' rows: whoever waits for several rows that others change can wait in a ring.
    """
    # SQLite's transactions begin IMMEDIATE (settings), so one writer is alone already.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ROLES_LOCK])
    owners = {one.pk for one in Person.objects.filter(role=Role.OWNER) if roles.permissions_of(one)}
    was: str | None = Person.objects.filter(pk=person.pk, role__in=roles.OFFICE).values_list("role", flat=True).first()
    if was is None:
        raise NotAnAdministrator
    if owners == {person.pk} and not keeps_owner:
        raise LastOwner
    return was


def _note(kind: str, person: Person, by: Person | None, reason: Reason | None, **facts: str) -> None:
    why = {"reason": reason.value} if reason else {}
    told: dict[str, Fact] = {"person": str(person.id), "by": by_whom(by.pk if by else None), **facts, **why}
    record(kind, message=None, reader=None, **told)


def _member(person: Person, has_passkey: bool) -> Member:
    session: datetime | None = getattr(person, "seen_at", None)
    moments = [moment for moment in (session, person.last_login) if moment is not None]
    ways = [_("passkey")] * has_passkey + [_("password and app")] * person.has_usable_password()
    label = str(Role(person.role).label)
    return Member(person, people.address_of(person), label, ", ".join(ways), max(moments, default=None))
