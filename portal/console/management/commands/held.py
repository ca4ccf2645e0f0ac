"""`manage.py held`: what cannot go on by itself, why and since when; and ending it with a word to its sender."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.console.management.commands.trace import id_of
from portal.ingest import holding
from portal.ingest.models import Spooled
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "List held mails: id, since when, attempts, size and reason; nothing of what they say or whose they are. "
    help += "`held refuse ID --reason TEXT` ends one and tells its sender why; `manage.py release` lets it try again."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", nargs="?", choices=["list", "refuse"], default="list")
        parser.add_argument("id", nargs="?")
        parser.add_argument("--reason", metavar="TEXT", default="", help="With refuse: what its sender reads.")
        parser.add_argument("--reason-like", metavar="TEXT", default="", help="Only where the reason says so.")
        parser.add_argument("--json", action="store_true", help="For programs: one JSON document a line.")

    def handle(self, *args: Any, verb: str, id: str | None, **options: Any) -> None:
        with sentences():
            if verb == "refuse":
                self._refuse(id or "", options["reason"])
            else:
                self._list(options["reason_like"], as_json=options["json"])

    def _list(self, reason_like: str, *, as_json: bool) -> None:
        number = 0
        for row in holding.held(reason_like).iterator(chunk_size=500):
            number += 1
            self.stdout.write(json.dumps(_facts(row)) if as_json else _line(row))
        if not as_json:
            self.stdout.write(
                f"{number:,} held. Mend what the reason names, then manage.py release ID, or release --all."
                if number
                else "Nothing is held."
            )

    def _refuse(self, id: str, reason: str) -> None:
        row = Spooled.objects.filter(pk=id_of(id)).first()
        if row is None:
            raise CommandError("No mail with this id is known here.")
        try:
            told = holding.refuse(row, reason)
        except OSError as error:
            sys.exit(
                f"The spool folder cannot be read (errno {error.errno}): nothing was done. Mend it, then try again."
            )
        self.stdout.write(
            "It is ended, and its sender is told why."
            if told
            else "It is ended. Its sender is not told: there is none, it may be forged, or the mail cannot be opened."
        )


def _facts(row: Spooled) -> dict[str, str | int | None]:
    return {
        "id": str(row.pk),
        "since": row.held_at.isoformat() if row.held_at else None,
        "attempts": row.attempts,
        "size": row.size,
        "bulk": row.bulk,
        "reason": row.last_error,
    }


def _line(row: Spooled) -> str:
    since = f"{timezone.localtime(row.held_at):%Y-%m-%d %H:%M}" if row.held_at else "some time ago    "
    return f"{row.pk}  {since}  {row.attempts:>3} attempts  {row.size:>11,} bytes  {row.last_error}"
