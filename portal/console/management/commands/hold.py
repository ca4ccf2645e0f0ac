"""`manage.py hold ID`: keep a message from being destroyed, or let it go again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.console.management.commands.trace import id_of
from portal.lifecycle import changing
from portal.operations.commands import sentences

_LIFTED = "The hold is lifted. What was due meanwhile is destroyed within minutes."
_ON = "A hold is on it: it is kept until manage.py hold ID --lift."


class Command(BaseCommand):
    help = "Put a legal hold on a message: neither its date nor a withdrawal destroys it. Readers notice nothing."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id")
        parser.add_argument("--lift", action="store_true", help="Lift the hold; what is due is destroyed then.")

    def handle(self, *args: Any, id: str, lift: bool, **options: Any) -> None:
        with sentences():
            if lift:
                changing.lift(id_of(id))
            else:
                changing.hold(id_of(id))
        self.stdout.write(_LIFTED if lift else _ON)
