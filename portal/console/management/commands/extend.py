"""`manage.py extend ID --until DATE`: let a message close later, earlier or never."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from portal.console.management.commands.trace import id_of
from portal.lifecycle import changing, dates
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "Let a message close at the end of another day, later or earlier, or never. What has closed but is not "
    help += "destroyed yet opens again."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id")
        parser.add_argument("--until", metavar="DATE", required=True, help="Its last day, like 2026-12-17, or never.")

    def handle(self, *args: Any, id: str, until: str, **options: Any) -> None:
        with sentences():
            closes = dates.closing(until)
            changing.change_date(id_of(id), closes)
        last = f"{timezone.localtime(closes):%Y-%m-%d %H:%M}" if closes else ""
        self.stdout.write(f"It can be read until {last}." if closes else "It stays open for ever.")
