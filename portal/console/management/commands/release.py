"""`manage.py release ID`: let held mail try again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.console.management.commands.trace import id_of
from portal.ingest import holding
from portal.ingest.models import Spooled
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "Let a held mail, or all that are held, try again once what held them is mended (see manage.py held)."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("id", nargs="?")
        parser.add_argument("--approve", action="store_true", help="One that a rule holds until it is approved.")
        which.add_argument("--all", action="store_true", help="All that are held now.")
        parser.add_argument(
            "--reason-like", metavar="TEXT", default="", help="With --all: only where the reason has it."
        )

    def handle(self, *args: Any, id: str | None, all: bool, reason_like: str, approve: bool, **options: Any) -> None:
        if approve and all:
            raise CommandError("Each mail is approved by itself: name one.")
        if reason_like and not all:
            raise CommandError("--reason-like chooses among all held mails: give --all with it.")
        with sentences():
            if all:
                self._all(reason_like)
            else:
                self._one(id or "", approve=approve)

    def _one(self, id: str, *, approve: bool) -> None:
        row = Spooled.objects.filter(pk=id_of(id)).first()
        if row is None:
            raise CommandError("No mail with this id is known here, or it is sealed and gone from the spool.")
        if approve:
            holding.approve(row)
        else:
            holding.release(row)
        self.stdout.write("It tries again now. See how it goes: manage.py trace " + str(row.id))

    def _all(self, reason_like: str) -> None:
        number = sum(1 for _ in holding.release_all(reason_like))
        self.stdout.write(f"{number:,} mails try again now. What is held then: manage.py held")
