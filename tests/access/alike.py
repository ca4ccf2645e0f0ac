"""The requests whose answers must take the same time."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from branding.models import Brand
from portal.access.models import Person
from portal.vault import readers
from portal.vault.models import Message
from tests.access.clockwork import TRIES, Kinds
from tests.access.visitors import Visitor, make_reader


def open_and_withdrawn(brand: Brand, count: int) -> Kinds:
    """Links to messages that can be read and that cannot, opened by someone who has proved nothing."""
    later = timezone.now() + timedelta(days=30)
    links: dict[str, list[str]] = {"open": [], "withdrawn": []}
    for number in range(count):
        for kind, found in links.items():
            reader = make_reader(brand, f"{kind[:4]}{number}@mail.example", state=kind, open_until=later)
            found.append(readers.link_of(reader))
    visitor = Visitor(brand)
    return Kinds(
        lambda turn: visitor.get(f"/m/{links['open'][turn % count]}"),
        lambda turn: visitor.get(f"/m/{links['withdrawn'][turn % count]}"),
    )


def unknown_and_deleted(brand: Brand, count: int) -> Kinds:
    """Links that were never made, and links whose messages are gone."""
    gone = [make_reader(brand, f"gone{number}@mail.example") for number in range(count)]
    deleted = [readers.link_of(reader) for reader in gone]
    Message.objects.filter(pk__in=[reader.message_id for reader in gone]).delete()
    unknown = [readers.new_link() for _ in range(count)]
    visitor = Visitor(brand)
    return Kinds(
        lambda turn: visitor.get(f"/m/{unknown[turn % count]}"),
        lambda turn: visitor.get(f"/m/{deleted[turn % count]}"),
    )


def known_and_strange(brand: Brand, count: int) -> Kinds:
    """Addresses typed on the neutral page: half have messages here, and a quarter of all have proved themselves."""
    Person.objects.get_or_create(lookup="nobody", defaults={"password": "!"})
    for number in range(TRIES * count):
        reader = make_reader(brand, f"known{number}@mail.example")
        if number % 2:
            Person.objects.create(lookup=bytes(reader.address_lookup).hex(), address=b"x", password="!")
    visitor = Visitor(brand)
    return Kinds(
        lambda turn: visitor.find(f"known{turn}@mail.example"),
        lambda turn: visitor.find(f"other{turn}@mail.example"),
    )
