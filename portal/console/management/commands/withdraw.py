"""`manage.py withdraw ID`: nobody, or one reader less, can open a message; `--bulk` does it to many at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from portal.console.management.commands.trace import id_of
from portal.lifecycle import bulk, withdrawing
from portal.lifecycle.actors import COMMAND, Why
from portal.lifecycle.choosing import OPEN, UNOPENED, Choice
from portal.lifecycle.models import Run
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "Withdraw a message from all its readers or from one. It closes at once; its keys are destroyed after the "
    help += "time to undo (LETTERLOCK_UNDO_MINUTES), and no backup opens it then. Undo: manage.py undo ID. "
    help += "With --bulk, all messages that match: --dry-run counts them, --confirm NUMBER withdraws so many."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", nargs="?")
        parser.add_argument("--reader", metavar="ADDRESS", default="", help="Only from this reader.")
        parser.add_argument("--reason", metavar="TEXT", default="", help="Kept sealed, for the organisation only.")
        parser.add_argument("--now", action="store_true", help="Destroy at once. Nothing can be undone then.")
        parser.add_argument("--bulk", action="store_true", help="All messages that match what follows.")
        parser.add_argument("--sender", metavar="ADDRESS", default="")
        parser.add_argument("--recipient", metavar="ADDRESS", default="")
        parser.add_argument("--brand", metavar="SLUG", default="")
        parser.add_argument("--rule", metavar="NAME", default="")
        parser.add_argument("--since", metavar="DATE", default="", help="Sealed from then on: 2026-11-26, or a moment.")
        parser.add_argument("--before", metavar="DATE", default="", help="Sealed before then.")
        parser.add_argument("--unopened", action="store_true", help="Only those that no recipient has opened.")
        parser.add_argument("--why", choices=[one.value for one in Why], default=Why.OTHER.value)
        parser.add_argument("--dry-run", action="store_true", help="Count them, and change nothing.")
        parser.add_argument("--confirm", metavar="NUMBER", type=int, help="How many messages --dry-run has counted.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["bulk"]:
            self._many(options)
        elif not options["id"] or not options["reason"]:
            raise CommandError("Name a message and --reason TEXT, or --bulk with what it is about.")
        else:
            self._one(options["id"], options["reader"], options["reason"], now=options["now"])

    def _one(self, id_: str, reader: str, reason: str, *, now: bool) -> None:
        with sentences():
            message = id_of(id_)
            if reader:
                outcome = withdrawing.withdraw_reader(message, reader, reason, now=now)
            else:
                outcome = withdrawing.withdraw(message, reason, now=now)
        self.stdout.write(_sentence(outcome, reader))

    def _many(self, options: dict[str, Any]) -> None:
        if not options["dry_run"] and options["confirm"] is None:
            raise CommandError("Count them first with --dry-run, then say --confirm NUMBER.")
        choice = Choice(
            options["sender"],
            options["recipient"],
            options["brand"],
            options["rule"],
            _moment(options["since"]),
            _moment(options["before"]),
            UNOPENED if options["unopened"] else OPEN,
        )
        with sentences():
            run = bulk.ask(Run.Action.WITHDRAW, choice, COMMAND)
            if options["dry_run"]:
                counted = bulk.count(run)
                run.delete()
                self.stdout.write(
                    f"{counted.messages} messages to {counted.recipients} recipients; {counted.opened} have been "
                    f"opened, {counted.held} are on a legal hold. Nothing was changed."
                )
                return
            bulk.confirm(run, options["confirm"], COMMAND, Why(options["why"]))
            while bulk.carry_out(only=run):
                pass
        run.refresh_from_db()
        ended = ", ".join(f"{number} {name or 'waiting'}" for name, number in sorted(bulk.outcomes(run).items()))
        until = f"{timezone.localtime(run.undo_until):%H:%M:%S}" if run.undo_until else "it is through"
        self.stdout.write(f"Run {run.id}: {ended}. Until {until}: manage.py undo --run {run.id}")


def _moment(text: str) -> datetime | None:
    """A day's beginning in the installation's time zone, or a moment. Raises CommandError."""
    if not text:
        return None
    try:
        day = parse_date(text)
        found = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001 made aware below
    except ValueError:
        found = None
    if found is None:
        raise CommandError("Write a day as 2026-11-26, or a moment as 2026-11-26T08:30.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _sentence(outcome: withdrawing.Outcome, reader: str) -> str:
    if outcome.destroyed:
        return "Withdrawn and destroyed. Nothing opens it any more, no backup either."
    if outcome.held:
        return "Withdrawn: nobody can open it. It is kept while a legal hold is on it (manage.py hold ID --lift)."
    until = f"{timezone.localtime(outcome.destroy_after):%Y-%m-%d %H:%M:%S}"
    who = " --reader ADDRESS" if reader else ""
    return f"Withdrawn. Its keys are destroyed after {until}; until then: manage.py undo ID{who}"
