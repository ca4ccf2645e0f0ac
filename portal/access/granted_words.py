"""What a row would grant, and to whom: for an operator who looks at one that does not fit (`manage.py grants`)."""

from __future__ import annotations

from contextlib import suppress

from portal.access import people
from portal.access.credentials import Passkey
from portal.access.models import Authenticator, Delegation, EntryLink, Person, ProvedPhrase, Provider
from portal.keys.errors import WrapRefused


def passkey(row: Passkey) -> str:
    return _of(row.person, f"{'administrator' if row.office else 'reader'}'s passkey, made {row.made_at:%Y-%m-%d},")


def app(row: Authenticator) -> str:
    return _of(row.person, "authenticator app")


def phrase(row: ProvedPhrase) -> str:
    return _of(row.session.person, "phrase that was proved in a browser")


def provider(row: Provider) -> str:
    return f"{row.slug} at {row.issuer}, for {row.domains}"


def role(row: Person) -> str:
    return _of(row, f"role {row.role}")


def link(row: EntryLink) -> str:
    return _of(row.person, "one-time link")


def delegation(row: Delegation) -> str:
    return f"{_named(row.delegate)} acting for {_named(row.owner)}"


def _of(person: Person, what: str) -> str:
    return f"{what} of {_named(person)}"


def _named(person: Person) -> str:
    with suppress(WrapRefused):  # whoever wrote to the row may have spoilt this as well
        if address := people.address_of(person):
            return address
    return f"person {person.pk}, whose address is not known"
