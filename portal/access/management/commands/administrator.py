"""`manage.py administrator ADDRESS`: make someone an administrator and print their one-time sign-in link."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.access import entry, people
from portal.mime.errors import BadAddress


class Command(BaseCommand):
    help = "Make an address an administrator and print a sign-in link that works once, within 24 hours."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")

    def handle(self, *args: Any, address: str, **options: Any) -> None:
        try:
            person = people.administrator(address)
        except BadAddress:
            raise CommandError("That is not a complete address. Write one like ada@example.org.") from None
        self.stdout.write(entry.link(entry.make(person)))
