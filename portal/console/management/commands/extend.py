"""`manage.py extend ID --until DATE`: let a message close later, earlier or never."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.console.management.commands.trace import id_of
from portal.lifecycle import changing
from portal.operations.commands import sentences

NEVER = "never"


class Command(BaseCommand):
    help = "Let a message close at the end of another day, later or earlier, or never. What has closed but is not "
    help += "destroyed yet opens again."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id")
        parser.add_argument("--until", metavar="DATE", required=True, help="Its last day, like 2026-12-17, or never.")

    def handle(self, *args: Any, id: str, until: str, **options: Any) -> None:
        closes = end_of(until)
        with sentences():
            changing.change_date(id_of(id), closes)
        self.stdout.write(f"It can be read until {closes:%Y-%m-%d %H:%M}." if closes else "It stays open for ever.")


def end_of(text: str) -> datetime | None:
    """The last second of that day in the installation's time zone; None for "never". Raises CommandError."""
    if text == NEVER:
        return None
    try:
        return timezone.make_aware(datetime.combine(date.fromisoformat(text), time(23, 59, 59)))
    except ValueError:
        raise CommandError("Write the last day as 2026-12-17, or “never”.") from None
