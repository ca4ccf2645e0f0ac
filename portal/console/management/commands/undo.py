"""`manage.py undo ID`: open a withdrawn message again, while its keys live; `--run RUN` all messages of a run."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.console.management.commands.trace import id_of
from portal.lifecycle import bulk, withdrawing
from portal.lifecycle.actors import COMMAND
from portal.lifecycle.models import Run
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "Undo a withdrawal, as long as nothing is destroyed."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", nargs="?")
        parser.add_argument("--reader", metavar="ADDRESS", default="", help="The one reader it was withdrawn from.")
        parser.add_argument("--run", metavar="RUN", default="", help="All that a run over many messages has done.")

    def handle(self, *args: Any, id: str | None, reader: str, run: str, **options: Any) -> None:
        if run:
            self._whole(run)
            return
        if not id:
            raise CommandError("Name a message, or --run RUN.")
        with sentences():
            if reader:
                withdrawing.undo_reader(id_of(id), reader)
            else:
                withdrawing.undo(id_of(id))
        self.stdout.write("Undone: it can be read as before.")

    def _whole(self, text: str) -> None:
        row = Run.objects.filter(pk=id_of(text)).first()
        if row is None:
            raise CommandError("No run with this id is known here.")
        with sentences():
            bulk.undo(row, COMMAND)
            while bulk.carry_out(only=row):
                pass
        ended = ", ".join(f"{number} {name or 'waiting'}" for name, number in sorted(bulk.outcomes(row).items()))
        self.stdout.write(f"Undone: {ended}.")
