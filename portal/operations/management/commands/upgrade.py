"""`manage.py upgrade`: bring the database to this version; with --check only say what that would be."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from portal.operations.commands import sentences
from portal.operations.preparing import prepare
from portal.operations.upgrading import Planned, planned


class Command(BaseCommand):
    help = "Bring tables and keys to this version while the old one runs. --check only says what would be done."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="Change nothing; exit status 1 when all must stop first."
        )
        parser.add_argument("--stopped", action="store_true", help="Every part of the old version is stopped.")

    def handle(self, *args: Any, check: bool, stopped: bool, **options: Any) -> None:
        with sentences():
            plan = planned()
            unsafe = any(step.faults for step in plan)
            if check or (unsafe and not stopped):
                self.stdout.write("\n".join(_told(plan)))
            if unsafe and not stopped:
                sys.exit(1)
            if not check:
                prepare(settings.LETTERLOCK)
                self.stdout.write("The database is of this version. Now start the new parts, then stop the old ones.")


def _told(plan: list[Planned]) -> list[str]:
    lines = []
    for step in plan:
        lines.append(f"{step.name}: {'may be applied while the old version runs' if not step.faults else 'stop first'}")
        lines += [f"  {fault}" for fault in step.faults]
        lines += [
            f"  {table} gets an index; on PostgreSQL nobody writes to it until it is built" for table in step.indexed
        ]
    if any(step.faults for step in plan):
        lines.append("Stop every part of the old version, then say so with --stopped.")
    return lines or ["Nothing is to be done: no table here is of an older version."]
