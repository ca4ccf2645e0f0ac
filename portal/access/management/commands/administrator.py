"""`manage.py administrator ADDRESS`: make someone an administrator and print their link, or remove them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.access import administrators, entry, grants, people, roles
from portal.access.models import Person
from portal.access.office_errors import OfficeRefused
from portal.mime.errors import BadAddress

Role = Person.Role


class Command(BaseCommand):
    help = (
        "Make an address an administrator and print a sign-in link that works once, within 24 hours. "
        "Without --role they keep the role they have; someone new becomes an owner."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--role", choices=[role.value for role in roles.OFFICE], help="what they may do")
        what.add_argument("--remove", action="store_true", help="take the role and every way in from them")

    def handle(self, *args: Any, address: str, role: str | None, remove: bool, **options: Any) -> None:
        try:
            person = people.of_address(address)
            if remove:
                administrators.remove(person, by=None)
                self.stdout.write("Removed. Sessions, links and ways to sign in are gone.")
                return
            self._give(person, address, role)
        except BadAddress:
            raise CommandError("That is not a complete address. Write one like ada@example.org.") from None
        except OfficeRefused as refused:
            raise CommandError(refused.sentence) from None
        self.stdout.write(entry.link(entry.make(person)))

    def _give(self, person: Person, address: str, role: str | None) -> None:
        if person.role in roles.OFFICE and grants.fits(person) and not roles.permissions_of(person):
            raise CommandError("The directory has switched this person off. Switch them on there first.")
        if person.role in roles.OFFICE and not roles.permissions_of(person):
            raise CommandError("Their role is not as the portal wrote it. Look at it first: manage.py grants list.")
        if not roles.permissions_of(person):
            given = administrators.add(address, Role(role or Role.OWNER), by=None)
            person.role, person.seal = given.role, given.seal
        elif role is not None and role != person.role:
            administrators.change(person, Role(role), by=None)
