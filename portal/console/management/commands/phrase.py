"""`manage.py phrase set ID`: agree on another phrase for a message, read from standard input."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.console.management.commands.trace import id_of
from portal.lifecycle import phrasing
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "Set a new phrase for a message that asks for more than a passcode, and give its readers new tries. The "
    help += "phrase is read from standard input; tell it to them by telephone or in person, never by mail."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["set"])
        parser.add_argument("id")
        parser.add_argument("--reader", metavar="ADDRESS", default="", help="Only for this reader.")
        parser.add_argument("--hint", metavar="TEXT", default="", help="Shown to readers beside the field.")

    def handle(self, *args: Any, id: str, reader: str, hint: str, **options: Any) -> None:
        # Never as an argument: those are seen by every user of the machine and stay in the shell's history.
        typed = getpass.getpass("Phrase: ") if sys.stdin.isatty() else sys.stdin.readline()
        with sentences():
            count = phrasing.set_phrase(id_of(id), typed.strip(), address=reader, hint=hint)
        self.stdout.write(f"The new phrase holds for {count} {'reader' if count == 1 else 'readers'}.")
