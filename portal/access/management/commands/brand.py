"""`manage.py brand list|set`: which ways to confirm a brand offers, and how much it asks of its recipients."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from branding.models import Brand
from portal.access.models import Provider
from portal.access.providers import WAYS
from portal.audit.record import record

ALL = "all"
_FIELDS = {
    "methods": "methods",
    "level": "minimum_level",
    "scope": "session_scope",
    "delivery": "delivery",
    "write_to": "write_to",
}
"""Option to field (branding.models.Brand)."""


class Command(BaseCommand):
    help = "Look at and change how a brand's recipients confirm their address (docs/sign-in.md, docs/assurance.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        verbs.add_parser("list", help="show all brands and how their recipients confirm")
        change = verbs.add_parser("set", help="change what is named, and leave the rest")
        change.add_argument("slug", help="the brand's short name")
        change.add_argument("--methods", help="`all`, or some of passcode, passkey and short names of providers")
        change.add_argument("--level", type=int, choices=(1, 2, 3), help="least assurance for its messages")
        change.add_argument("--scope", choices=("brand", "message"), help="what one proof opens")
        change.add_argument("--delivery", choices=("link", "attachment"), help="how its messages reach recipients")

        change.add_argument(
            "--write-to",
            choices=("on", "off"),
            help="whether anyone may write to its departments (docs/write-to-us.md)",
        )

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        if verb == "set":
            self._set(**options)
        else:
            for brand in Brand.objects.order_by("slug"):
                self._show(brand)

    def _set(self, slug: str, **options: Any) -> None:
        brand = Brand.objects.filter(slug=slug).first()
        if brand is None:
            raise CommandError(f"There is no brand {slug}. manage.py brand list shows them.")
        wanted = {name: options[name] for name in _FIELDS if options[name] is not None}
        if not wanted:
            raise CommandError("Say what to change: --methods, --level, --scope, --delivery or --write-to.")
        if "methods" in wanted:
            wanted["methods"] = _methods(brand, wanted["methods"])
        if "write_to" in wanted:
            wanted["write_to"] = wanted["write_to"] == "on"
        with transaction.atomic():
            for name, value in wanted.items():
                setattr(brand, _FIELDS[name], value)
            brand.save(update_fields=[_FIELDS[name] for name in wanted])
            record("brand.changed", brand=brand.slug, fields=" ".join(sorted(wanted)))
        self._show(brand)

    def _show(self, brand: Brand) -> None:
        methods = ALL if brand.methods is None else " ".join(brand.methods)
        default = " (default)" if brand.is_default else ""
        self.stdout.write(
            f"{brand.slug}{default}: methods {methods}; level {brand.minimum_level}; scope {brand.session_scope}; "
            f"delivery {brand.delivery}; writing to it {'on' if brand.write_to else 'off'}"
        )


def _methods(brand: Brand, said: str) -> list[str] | None:
    """None for all. Raises CommandError for a way that there is not, and for none at all: nobody could read."""
    if said.strip() == ALL:
        return None
    named = list(dict.fromkeys(said.replace(",", " ").split()))
    known = {*WAYS, *Provider.objects.filter(brands=brand).values_list("slug", flat=True)}
    missing = [name for name in named if name not in known]
    if missing:
        raise CommandError(f"{brand.slug} has no way {', '.join(missing)}. It has {', '.join(sorted(known))}.")
    if not set(named) - {"passkey"}:
        raise CommandError("A passkey is added after another proof: name passcode or a provider as well.")
    return named
