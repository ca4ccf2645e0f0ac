"""`manage.py grants VERB`: rows by which people sign in or mail comes in that are not as the portal wrote them."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.access import mending
from portal.access.mending import Unfit
from portal.keys.granting import Standing
from portal.operations.commands import sentences

HOW = {
    Standing.UNSEALED: "has no seal",
    Standing.CHANGED: "was changed, or sealed under another keyring",
    Standing.ENDED: "was taken away and put back",
}


class Command(BaseCommand):
    help = "Show rows that let nobody in, for the portal did not write them so; seal them, or drop them."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        verbs.add_parser("list", help="show them; exit status 1 when there are any")
        for verb, told in (
            ("seal", "let them count as they are, when you know each: after an old backup, or an old version beside"),
            ("drop", "take them away; of administrators the role and the password"),
        ):
            one = verbs.add_parser(verb, help=f"{told}. Without --yes it only says what would be done")
            one.add_argument("row", nargs="*", metavar="ID", help="only these, as `list` shows them; else all")
            one.add_argument("--yes", action="store_true", help="do it")

    def handle(self, *_: object, verb: str, **options: Any) -> None:
        with sentences():
            found = mending.all_unfit(options.get("row") or ())
            self._show(found, verb)
            if verb == "list":
                sys.exit(1 if found else 0)
            if not options["yes"]:
                self.stdout.write("Nothing was changed. Add --yes to do it.")
            elif verb == "seal":
                self.stdout.write(f"{mending.seal(found)} sealed.")
            else:
                self.stdout.write(f"{mending.drop(found)} taken away.")

    def _show(self, found: list[Unfit], verb: str) -> None:
        for one in found:
            left = "; it is never sealed again, drop it" if verb == "seal" and one.how is Standing.ENDED else ""
            if verb == "drop" and mending.is_kept(one):
                left = "; it has messages and is not dropped: put right what was changed, or seal it"
            self.stdout.write(f"{one.kind.name} {one.number} {HOW[one.how]}{left}: {one.words}")
        if not found:
            self.stdout.write("Every row by which people sign in or mail is handed in is as the portal wrote it.")
