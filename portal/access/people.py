"""People by their address: who has proved one, who administers, and who stands for unknown ones."""

from __future__ import annotations

from uuid import uuid4

from portal.access.models import NOBODY, Person
from portal.keys.service import keys
from portal.mime.addresses import normalise
from portal.mime.errors import BadAddress
from portal.vault import readers
from portal.vault.models import Reader


def of_reader(reader: Reader) -> Person:
    """The person of a reader's address, made now if there is none. Call only after a proof."""
    return _of(bytes(reader.address_lookup), readers.address_of(reader))


def of_address(address: str) -> Person:
    """The person of an address, made now if there is none. It proves nothing. BadAddress when it is none."""
    return _of(readers.address_lookup(address), normalise(address))


def for_challenge(lookup: bytes) -> Person:
    """The person of an address who proved it before, else "nobody": one query for both, so time tells nothing."""
    found = {person.lookup: person for person in Person.objects.filter(lookup__in=[lookup.hex(), NOBODY])}
    return found.get(lookup.hex()) or found.get(NOBODY) or _nobody()


def address_of(person: Person) -> str:
    """A person's address; "" for "nobody", and where it is not the one that the row is found by."""
    sealed = bytes(person.address)
    address = keys().open_field("person", person.id, sealed).decode() if sealed else ""
    return address if has_address(person, address) else ""


def has_address(person: Person, typed: str) -> bool:
    """Whether what was typed is this person's address."""
    try:
        return person.lookup == readers.address_lookup(typed).hex()
    except BadAddress:
        return False


def reads(person: Person | None, reader: Reader) -> bool:
    """Whether this is the person a reader's link was made for."""
    return person is not None and person.lookup == bytes(reader.address_lookup).hex()


def _of(lookup: bytes, address: str) -> Person:
    number = uuid4()
    sealed = keys().seal_field("person", number, address.encode())
    person, _made = Person.objects.get_or_create(
        lookup=lookup.hex(), defaults={"id": number, "address": sealed, "password": NO_PASSWORD}
    )
    return person


def _nobody() -> Person:
    return Person.objects.get_or_create(lookup=NOBODY, defaults={"password": NO_PASSWORD})[0]


NO_PASSWORD = "!"  # noqa: S105  # Django's mark for a password that nothing matches
