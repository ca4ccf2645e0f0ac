"""`manage.py brand add|set|list|show|records|remove|bring-back`: the brands that recipients meet (docs/brands.md)."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from branding import colours, wording
from branding.errors import BrandingError
from branding.models import Brand
from portal.access import brand_making
from portal.access.brand_options import OPTIONS
from portal.access.brand_reading import BadOption
from portal.delivery import records
from portal.keys.errors import KeysError

_BY_NAME = {option.name: option for option in OPTIONS}


class Command(BaseCommand):
    help = "Make, look at and change brands: how they look, what they say, where they are (docs/brands.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        verbs.add_parser("list", help="show all brands as they are")
        _values(verbs.add_parser("add", help="make a brand; it is live at once"))
        _values(verbs.add_parser("set", help="change what is named, and leave the rest"))
        _slug(verbs.add_parser("show", help="show one with its words, its logo and what becomes of its colour"))
        _slug(verbs.add_parser("remove", help="archive it: no new message takes it; its host keeps working"))
        _slug(verbs.add_parser("bring-back", help="let new messages take an archived one again"))
        shown = verbs.add_parser("records", help="what to publish in DNS for it")
        _slug(shown)
        shown.add_argument("--check", action="store_true", help="look it up; exit status 1 when something is missing")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            if verb == "list":
                for brand in Brand.objects.order_by("slug"):
                    self._line(brand)
            elif verb == "add":
                self._change(Brand(slug=brand_making.slug(options.pop("slug"))), options, new=True)
            else:
                self._of_one(verb, _found(options.pop("slug")), options)
        except (BadOption, BrandingError, KeysError) as error:
            raise CommandError(str(error)) from None

    def _of_one(self, verb: str, brand: Brand, options: dict[str, Any]) -> None:
        if verb == "set":
            self._change(brand, options, new=False)
        elif verb == "show":
            self._show(brand)
        elif verb == "records":
            self._records(brand, look=options["check"])
        else:
            brand_making.archive(brand, on=verb == "remove")
            self._line(brand)

    def _change(self, brand: Brand, options: dict[str, Any], *, new: bool) -> None:
        said = {option.name: options[option.field] for option in OPTIONS if options[option.field] is not None}
        files = {name: options[name] for name in ("words", "logo") if options[name] is not None}
        if new and not {"name", "host", "postal-address"} <= said.keys():
            raise CommandError("A new brand needs --name, --host and --postal-address (its mails say it at their end).")
        if not said and not files:
            raise CommandError("Say what to change; manage.py brand set --help names the options.")
        values: dict[str, Any] = {}
        # In this order: an address is looked at with the host and the domains that were named beside it.
        for name in sorted(said, key=lambda name: name not in ("host", "domains")):
            values[_BY_NAME[name].field] = _BY_NAME[name].read(brand, said[name])
            setattr(brand, _BY_NAME[name].field, values[_BY_NAME[name].field])
        if "words" in files:
            values["words"] = brand_making.words_from(files["words"])
        picture = None
        if "logo" in files:
            picture = brand_making.logo_from(files["logo"], options["logo_for_mails"] or "")
        brand_making.change(brand if new else _found(brand.slug), values, picture, {*said, *files})
        self._line(_found(brand.slug))

    def _line(self, brand: Brand) -> None:
        kind = " (default)" if brand.is_default else " (archived)" if brand.archived_at else ""
        self.stdout.write(f"{brand.slug}{kind}: {'; '.join(f'{o.name} {o.show(brand)}' for o in OPTIONS)}")

    def _show(self, brand: Brand) -> None:
        self._line(brand)
        self.stdout.write(f"logo: {brand.logo or 'none, its initials'}")
        for sentence in colours.explain(brand.colour):
            self.stdout.write(f"colour {brand.colour}: {sentence}")
        for language, texts in sorted(brand.words.items()):
            for key, text in texts.items():
                label = wording.ALL[key].label if key in wording.ALL else key
                self.stdout.write(f"{language}, {label}: {text!r}")

    def _records(self, brand: Brand, *, look: bool) -> None:
        well = True
        for one in records.records_of(brand):
            self.stdout.write(f"{one.name}. IN {one.type} {_quoted(one) or '…'}  # {one.purpose}")
            if look:
                found = records.check(one)
                well = well and (found.state == records.State.WELL or not one.needed)
                self.stdout.write(f"  {found.state}: {found.sentence} {' | '.join(found.found)}".rstrip())
        if not well:
            sys.exit(1)


def _slug(parser: CommandParser) -> None:
    parser.add_argument("slug", help="the brand's short name")


def _values(parser: CommandParser) -> None:
    _slug(parser)
    for option in OPTIONS:
        parser.add_argument(f"--{option.name}", dest=option.field, help=option.help)
    parser.add_argument("--words", help="a file of YAML or JSON with all its words, by language")
    parser.add_argument("--logo", help="a file: SVG, PNG, JPEG, WebP, GIF, BMP or TIFF; or none")
    parser.add_argument("--logo-for-mails", help="a picture that goes with an SVG, for mails")


def _found(slug: str) -> Brand:
    brand = Brand.objects.filter(slug=slug).first()
    if brand is None:
        raise CommandError(f"There is no brand {slug}. manage.py brand list shows them.")
    return brand


def _quoted(one: records.Record) -> str:
    """Text in pieces of at most 255 characters, as zone files want them (RFC 1035 section 3.3.14)."""
    if one.type != "TXT":
        return one.value
    return " ".join(f'"{one.value[start : start + 255]}"' for start in range(0, len(one.value), 255))
