"""`manage.py undo ID`: open a withdrawn message again, while its keys live."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.console.management.commands.trace import id_of
from portal.lifecycle import withdrawing
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "Undo a withdrawal, as long as nothing is destroyed."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id")
        parser.add_argument("--reader", metavar="ADDRESS", default="", help="The one reader it was withdrawn from.")

    def handle(self, *args: Any, id: str, reader: str, **options: Any) -> None:
        with sentences():
            if reader:
                withdrawing.undo_reader(id_of(id), reader)
            else:
                withdrawing.undo(id_of(id))
        self.stdout.write("Undone: it can be read as before.")
