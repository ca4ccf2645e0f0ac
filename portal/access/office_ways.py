"""How administrators prove who they are: what there is here, and what one of them has."""

from __future__ import annotations

from branding.models import Brand
from portal.access import authenticators, people, roles, sessions
from portal.access.credentials import Passkey
from portal.access.models import Person, Provider, Session


def password_is_open() -> bool:
    """Whether a password may let anyone in: only until an administrator has a passkey, or there is a provider."""
    # One that is switched off for its last brand is offered nowhere, and must not be what shuts everyone out.
    offered = Provider.objects.filter(office=True, enabled=True, brands__isnull=False)
    return not passkey_exists() and not offered.exists()


def password_is_set() -> bool:
    """Whether there is one at all: else the sign-in page need not ask for it."""
    holders = Person.objects.filter(role__in=roles.OFFICE).exclude(password__startswith=people.NO_PASSWORD)
    return password_is_open() and holders.exists()


def passkey_exists(*brands: Brand) -> bool:
    """Whether any administrator has a passkey that works; with brands named, one at these hosts."""
    found = Passkey.objects.filter(office=True, asleep_at=None, person__role__in=roles.OFFICE)
    return (found.filter(brand__in=brands) if brands else found).exists()


def providers(brand: Brand) -> list[Provider]:
    """Where administrators may sign in at this host."""
    return list(Provider.objects.filter(office=True, enabled=True, brands=brand).order_by("slug"))


def may_mail_passcode(row: Session) -> bool:
    """Whether a passcode to the own mailbox proves enough for an administrator to say again who it is.

    It proves what a mailed one-time link does, so only for a session that came from no more than that, and only for
    whoever has nothing better: no passkey on any host, no password with an app, no provider here.
    """
    me = row.person
    passkey = Passkey.objects.filter(person=me, office=True).exists()
    better = passkey or (me.has_usable_password() and password_is_open()) or bool(providers(row.brand))
    return bool(me.address) and row.method in (sessions.ENTRY, sessions.PASSCODE) and not better


def is_unfinished(person: Person) -> bool:
    """Whether someone has a password and no authenticator app yet: until then the office stays shut to them."""
    return person.has_usable_password() and password_is_open() and authenticators.of(person) is None


def is_alone(person: Person) -> bool:
    """Whether nobody else administers: who may be the first administrator, and nobody else, sets a password."""
    return not Person.objects.filter(role__in=roles.OFFICE).exclude(pk=person.pk).exists()
