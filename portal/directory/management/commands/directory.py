"""`manage.py directory import|list|show`: the organisation's people and groups, from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.directory import importing, membership
from portal.directory.importing import Plan, TooManyRemoved
from portal.directory.models import Group, Person
from portal.directory.wanted import MOST_BYTES, BadFile

SHOWN = 20
"""Of each list."""


class Command(BaseCommand):
    help = "Take over people and groups from CSV or LDIF, and look at them (docs/directory.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        take = verbs.add_parser("import", help="take over a file; shows what changes before it changes")
        take.add_argument("file", type=Path, help="CSV, or LDIF as ldapsearch -LLL prints it")
        take.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
        take.add_argument(
            "--remove-missing", action="store_true", help="the file is complete: what it does not name goes"
        )
        take.add_argument("--yes", action="store_true", help="also when that removes a fifth or more")
        verbs.add_parser("list", help="all groups, with how many are in them")
        show = verbs.add_parser("show", help="the addresses in a group, also through groups within it")
        show.add_argument("group", help="its short name, as the list shows it")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        if verb == "import":
            self._import(**options)
        elif verb == "list":
            self._list()
        else:
            self._show(options["group"])

    def _import(self, *, file: Path, dry_run: bool, remove_missing: bool, yes: bool, **_: Any) -> None:
        try:
            source = importing.source_of(file.name)
            if file.stat().st_size > MOST_BYTES:
                raise BadFile(f"The file has more than {MOST_BYTES // 1_000_000} MB.")
            plan = importing.plan(importing.read(file.read_bytes(), source), source, removes_missing=remove_missing)
        except BadFile as bad:
            raise CommandError(str(bad)) from None
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}.") from None
        self._report(plan)
        if dry_run:
            self.stdout.write("Nothing was changed (--dry-run).")
        elif plan.is_empty:
            self.stdout.write("Nothing to change.")
        else:
            try:
                importing.apply(plan, confirmed=yes)
            except TooManyRemoved as error:
                raise CommandError(f"{error} Add --yes.") from None
            self.stdout.write("Done.")

    def _report(self, plan: Plan) -> None:
        for sign, lines in (
            ("+", plan.added),
            ("~", sorted(plan.changed)),
            ("-", sorted(plan.removed)),
            ("+ group", plan.groups_added),
            ("- group", sorted(plan.groups_removed)),
        ):
            for line in lines[:SHOWN]:
                self.stdout.write(f"{sign} {line}")
            if len(lines) > SHOWN:
                self.stdout.write(f"{sign} and {len(lines) - SHOWN} more")
        for problem in plan.wanted.problems:
            self.stdout.write(f"! {problem}")
        if plan.wanted.left_out > len(plan.wanted.problems):
            self.stdout.write(f"! and {plan.wanted.left_out - len(plan.wanted.problems)} more were left out")
        self.stdout.write(
            f"People: {len(plan.added)} added, {len(plan.changed)} changed, {len(plan.removed)} removed. "
            f"Groups: {len(plan.groups_added)} added, {len(plan.groups_removed)} removed; "
            f"{plan.joined} members join, {plan.left} leave."
        )
        if plan.elsewhere:
            self.stdout.write(f"{plan.elsewhere} are kept by another source and stay as they are.")

    def _list(self) -> None:
        for group in Group.objects.order_by("slug"):
            number = len(membership.members(group.slug))
            self.stdout.write(f"{group.slug}: {group.name} ({number}, {group.get_source_display()})")
        self.stdout.write(f"{Group.objects.count()} groups, {Person.objects.count()} people.")

    def _show(self, slug: str) -> None:
        if not Group.objects.filter(slug=slug).exists():
            raise CommandError(f"There is no group {slug}. manage.py directory list shows them.")
        for address in sorted(membership.members(slug)):
            self.stdout.write(address)
