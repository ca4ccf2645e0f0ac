"""`manage.py withdraw ID`: nobody, or one reader less, can open a message; soon nobody ever can."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from portal.console.management.commands.trace import id_of
from portal.lifecycle import withdrawing
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "Withdraw a message from all its readers or from one. It closes at once; its keys are destroyed after the "
    help += "time to undo (LETTERLOCK_UNDO_MINUTES), and no backup opens it then. Undo: manage.py undo ID."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id")
        parser.add_argument("--reader", metavar="ADDRESS", default="", help="Only from this reader.")
        parser.add_argument("--reason", metavar="TEXT", required=True, help="Kept sealed, for the organisation only.")
        parser.add_argument("--now", action="store_true", help="Destroy at once. Nothing can be undone then.")

    def handle(self, *args: Any, id: str, reader: str, reason: str, now: bool, **options: Any) -> None:
        with sentences():
            message = id_of(id)
            if reader:
                outcome = withdrawing.withdraw_reader(message, reader, reason, now=now)
            else:
                outcome = withdrawing.withdraw(message, reason, now=now)
        self.stdout.write(_sentence(outcome, reader))


def _sentence(outcome: withdrawing.Outcome, reader: str) -> str:
    if outcome.destroyed:
        return "Withdrawn and destroyed. Nothing opens it any more, no backup either."
    if outcome.held:
        return "Withdrawn: nobody can open it. It is kept while a legal hold is on it (manage.py hold ID --lift)."
    until = f"{timezone.localtime(outcome.destroy_after):%Y-%m-%d %H:%M:%S}"
    who = " --reader ADDRESS" if reader else ""
    return f"Withdrawn. Its keys are destroyed after {until}; until then: manage.py undo ID{who}"
