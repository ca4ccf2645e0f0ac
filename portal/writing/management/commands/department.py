"""`manage.py department add|change|list|remove`: whom anyone may write to on a brand's page."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from branding import departments as known
from branding.models import Brand, Department
from portal.writing import departments
from portal.writing.departments import DepartmentRefused


class Command(BaseCommand):
    help = "Look at and change the departments that anyone may write to (docs/write-to-us.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        listing = verbs.add_parser("list", help="show the departments, in their order")
        listing.add_argument("brand", nargs="?", help="of this brand only")
        add = verbs.add_parser("add", help="add one")
        change = verbs.add_parser("change", help="change what is named, and leave the rest")
        remove = verbs.add_parser("remove", help="take one away")
        for verb in (add, change, remove):
            verb.add_argument("brand", help="the brand's short name")
            verb.add_argument("slug", help="the department's short name, as in https://HOST/write/NAME")
        for verb in (add, change):
            verb.add_argument("--name", action="append", help="what people call it: Reception, or de=Empfang")
            verb.add_argument("--note", action="append", help="a line below the name, likewise; de= alone removes it")
            verb.add_argument(
                "--to", action="append", help="a mailbox inside that it goes to; again for more, in order"
            )
            verb.add_argument("--place", type=int, choices=range(1000), metavar="N", help="0 to 999, the lowest first")
        change.add_argument("--on", dest="enabled", action="store_const", const=True, help="offer it")
        change.add_argument("--off", dest="enabled", action="store_const", const=False, help="offer it no more")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(**options)
        except DepartmentRefused as refused:
            raise CommandError(str(refused)) from None

    def _list(self, brand: str | None, **options: Any) -> None:
        brands = [_brand(brand)] if brand else Brand.objects.order_by("slug")
        for one in brands:
            for row in one.departments.order_by("place", "slug"):
                self._show(row)
            if not one.write_to:
                self.stdout.write(f"{one.slug}: nobody can write to it. manage.py brand set {one.slug} --write-to on")

    def _add(self, brand: str, slug: str, name: Any, note: Any, to: Any, place: Any, **options: Any) -> None:
        self._show(departments.add(_brand(brand), slug, name or [], to or [], note or [], place or 0))

    def _change(
        self, brand: str, slug: str, name: Any, note: Any, to: Any, place: Any, enabled: Any, **options: Any
    ) -> None:
        if all(value is None for value in (name, note, to, place, enabled)):
            raise CommandError("Say what to change: --name, --note, --to, --place, --on or --off.")
        row = _department(brand, slug)
        said = {"names": name or (), "notes": note or (), "addresses": to or ()}
        self._show(departments.change(row, place=place, enabled=enabled, **said))

    def _remove(self, brand: str, slug: str, **options: Any) -> None:
        departments.remove(_department(brand, slug))
        self.stdout.write(f"{brand}: {slug} is removed.")

    def _show(self, row: Department) -> None:
        names = ", ".join(f"{language} “{name}”" for language, name in sorted(row.names.items()))
        state = "on" if row.enabled else "off"
        self.stdout.write(
            f"{row.brand.slug}/{row.slug} ({state}, place {row.place}): {names}; to {', '.join(row.addresses)}"
        )
        gone = [address for address in row.addresses if not known.is_inside(address)]
        if gone:
            self.stdout.write(f"  {', '.join(gone)} is not inside any more, and gets nothing.")


def _brand(slug: str) -> Brand:
    brand = Brand.objects.filter(slug=slug).first()
    if brand is None:
        raise CommandError(f"There is no brand {slug}. manage.py brand list shows them.")
    return brand


def _department(brand: str, slug: str) -> Department:
    row = known.named(_brand(brand), slug)
    if row is None:
        raise CommandError(f"{brand} has no department {slug}. manage.py department list {brand} shows them.")
    return row
