"""`manage.py brand list|set`: what a brand asks of its recipients, offers them and lets them see."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from branding import versions
from branding.models import Brand
from portal.access.brand_options import OPTIONS, BadOption
from portal.audit.record import record


class Command(BaseCommand):
    help = "Look at and change what a brand asks of its recipients, offers them and lets them see (docs/confirming.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        verbs.add_parser("list", help="show all brands as they are")
        change = verbs.add_parser("set", help="change what is named, and leave the rest")
        change.add_argument("slug", help="the brand's short name")
        for option in OPTIONS:
            change.add_argument(f"--{option.name}", dest=option.field, help=option.help)

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        if verb == "set":
            self._set(**options)
        else:
            for brand in Brand.objects.order_by("slug"):
                self._show(brand)

    def _set(self, slug: str, **said: Any) -> None:
        brand = Brand.objects.filter(slug=slug).first()
        if brand is None:
            raise CommandError(f"There is no brand {slug}. manage.py brand list shows them.")
        named = [option for option in OPTIONS if said[option.field] is not None]
        if not named:
            raise CommandError("Say what to change; manage.py brand set --help names the options.")
        try:
            wanted = {option.field: option.read(brand, said[option.field]) for option in named}
        except BadOption as error:
            raise CommandError(str(error)) from None
        with transaction.atomic():
            versions.note(brand)  # what it was, which can be gone back to
            for field, value in wanted.items():
                setattr(brand, field, value)
            brand.save(update_fields=list(wanted))
            record("brand.changed", brand=brand.slug, fields=" ".join(sorted(option.name for option in named)))
            versions.note(brand)
        self._show(brand)

    def _show(self, brand: Brand) -> None:
        default = " (default)" if brand.is_default else ""
        self.stdout.write(f"{brand.slug}{default}: {'; '.join(f'{o.name} {o.show(brand)}' for o in OPTIONS)}")
