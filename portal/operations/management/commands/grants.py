"""`manage.py grants VERB`: rows by which people sign in or mail comes in that are not as the portal wrote them."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from portal.access import grants, mending, renewing
from portal.access.mending import Unfit
from portal.keys.granting import Standing
from portal.keys.service import keys
from portal.operations.commands import sentences

HOW = {
    Standing.UNSEALED: "has no seal",
    Standing.CHANGED: "was changed, or sealed under another keyring",
    Standing.ENDED: "was taken away and put back",
}


MARGIN_SECONDS = 15.0
"""Longer than anything takes that was begun with what was opened before."""


class Command(BaseCommand):
    help = "Show rows that let nobody in, for the portal did not write them so; seal them, or drop them."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        verbs.add_parser("list", help="show them; exit status 1 when there are any")
        renew = verbs.add_parser(
            "renew",
            help="a new secret for all seals, while the portal runs; cut short, run it again. Without --yes it only "
            "says what would be done",
        )
        renew.add_argument("--yes", action="store_true", help="do it")
        for verb, told in (
            ("seal", "let them count as they are, when you know each: after an old backup, or an old version beside"),
            ("drop", "take them away; of administrators the role and the password"),
        ):
            one = verbs.add_parser(verb, help=f"{told}. Without --yes it only says what would be done")
            one.add_argument("row", nargs="*", metavar="ID", help="only these, as `list` shows them; else all")
            one.add_argument("--yes", action="store_true", help="do it")

    def handle(self, *_: object, verb: str, **options: Any) -> None:
        with sentences():
            if verb == "renew":
                self._renew(yes=options["yes"])
                return
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

    def _renew(self, *, yes: bool) -> None:
        settle = settings.LETTERLOCK.key_cache_seconds + MARGIN_SECONDS
        if not yes:
            count = sum(grants.rows_of(kind).count() for kind in grants.kinds())
            begun = "A renewal was begun and goes on. " if keys().grants.is_renewing() else ""
            self.stdout.write(
                f"{begun}{count} rows would be sealed under a new secret, in about {2 * settle / 60:.0f} minutes. "
                "Nothing was changed. Add --yes to do it."
            )
            return
        count = renewing.renew(settle, self.stdout.write)
        self.stdout.write(f"Done: {count} rows are sealed under the new secret, and the old one is forgotten.")

    def _show(self, found: list[Unfit], verb: str) -> None:
        for one in found:
            left = "; it is never sealed again, drop it" if verb == "seal" and one.how is Standing.ENDED else ""
            if verb == "drop" and mending.is_kept(one):
                left = "; it has messages and is not dropped: put right what was changed, or seal it"
            self.stdout.write(f"{one.kind.name} {one.number} {HOW[one.how]}{left}: {one.words}")
        if not found:
            self.stdout.write("Every row by which people sign in or mail is handed in is as the portal wrote it.")
