"""`manage.py authenticator remove ADDRESS`: for someone who lost both the phone and the recovery codes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.access import authenticators
from portal.access.models import Person
from portal.mime.errors import BadAddress
from portal.vault import readers


class Command(BaseCommand):
    help = "Take away a person's authenticator app, so that they can set up another. Be sure that it is they who ask: "
    help += "call them, and do not go by a mail."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["remove"])
        parser.add_argument("address")

    def handle(self, *args: Any, address: str, **options: Any) -> None:
        try:
            lookup = readers.address_lookup(address)
        except BadAddress:
            raise CommandError("That is not a complete address. Write one like ada@example.org.") from None
        person = Person.objects.filter(lookup=lookup.hex()).first()
        if person is None or not authenticators.remove(person):
            raise CommandError("No authenticator app is set up for this address.")
        self.stdout.write("Removed. What they set up now opens only messages that are sent from now on.")
