"""What a person's row holds sealed: address, and attributes by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import UUID

import cbor2

from portal.directory.models import Person
from portal.keys.service import keys
from portal.mime.addresses import normalise

ATTRIBUTES = ("name", "title", "department", "company", "office", "city", "country", "manager")
"""What rules can compare, all text; `manager` is an address."""
MOST_CHARACTERS = 256
"""Of an attribute."""
_LABEL = "directory-person"


@dataclass(frozen=True, repr=False)
class Held:
    """An address in its comparing form, "" when there is none, and what is known of its person."""

    address: str
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    scim: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What a program said by SCIM beyond that, given back as it came."""

    def __repr__(self) -> str:
        return "Held(…)"


def seal(row: UUID, held: Held) -> bytes:
    return keys().seal_field(_LABEL, row, cbor2.dumps([held.address, dict(held.attributes), dict(held.scim)]))


def held_in(person: Person) -> Held:
    """Raises WrapRefused when the row was changed."""
    address, attributes, scim = cbor2.loads(keys().open_field(_LABEL, person.id, bytes(person.sealed)))
    return Held(address, MappingProxyType(attributes), MappingProxyType(scim))


def lookup_of(address: str) -> bytes:
    """The hash an address is found by. BadAddress when it is none."""
    return keys().lookup("address", normalise(address))


def user_lookup_of(name: str) -> bytes:
    """The same of a SCIM userName, which has no case (RFC 7643 section 4.1.1)."""
    return keys().lookup("directory-user", name.strip().casefold())


def external_lookup_of(value: str) -> bytes:
    return keys().lookup("directory-external", value)
