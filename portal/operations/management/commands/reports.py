"""`manage.py reports rebuild`: the counts behind the overview and the reports made anew from the record."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from portal.operations import tallying
from portal.operations.commands import sentences

SHOWN = 20


class Command(BaseCommand):
    help = "Make the counts behind the overview and the reports anew from the record (docs/reports.md)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        rebuild = chosen.add_parser("rebuild", help="Count the whole record again, and make missing domains good.")
        rebuild.add_argument("--dry-run", action="store_true", help="Say where the counts differ, and change nothing.")
        chosen.add_parser("count", help="Count now what was recorded, instead of within a minute.")

    def handle(self, *_: object, **options: Any) -> None:
        with sentences():
            if options["verb"] == "count":
                number = tallying.run(timezone.now(), seconds=3600)
                self.stdout.write(f"Counted {number} entries of the record.")
            elif options["dry_run"]:
                self._differences()
            else:
                self.stdout.write(f"Made anew from {tallying.rebuild()} entries of the record.")

    def _differences(self) -> None:
        found = tallying.differences()
        for one in found[:SHOWN]:
            day, kind, brand, word = one.key
            self.stdout.write(f"{day}  {kind} {word} {brand}: {one.is_} counted, {one.should} recorded")
        if len(found) > SHOWN:
            self.stdout.write(f"… and {len(found) - SHOWN} more")
        self.stdout.write("Nothing was changed." if found else "All counts are what the record says.")
