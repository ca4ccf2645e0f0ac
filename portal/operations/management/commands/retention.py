"""`manage.py retention status|run|set`: how long old rows are kept, and their deletion."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from portal.operations import retention
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "Show how long old rows are kept, delete what is due, or change the days (docs/retention.md)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        chosen.add_parser("status", help="Each kind of rows, its days, and how many are due.")
        run = chosen.add_parser("run", help="Delete what is due now, instead of within the hour.")
        run.add_argument("--dry-run", action="store_true", help="Count it, and delete nothing.")
        change = chosen.add_parser("set", help="Keep a kind for so many days; 0 for ever.")
        change.add_argument("what", choices=list(retention.KINDS))
        change.add_argument("days", type=int)

    def handle(self, *_: object, **options: Any) -> None:
        now = timezone.now()
        with sentences():
            if options["verb"] == "set":
                retention.set_days(options["what"], options["days"])
            elif options["verb"] == "run" and not options["dry_run"]:
                done = retention.run(now, seconds=3600)
                self.stdout.write("Deleted: " + ", ".join(f"{number} {name}" for name, number in done.items()) + ".")
                return
            for line in retention.status(now):
                days = f"{line.days} days" if line.days else "for ever"
                self.stdout.write(f"{line.name:<11} {days:<10} {line.due:>6} due   {line.meaning}")
