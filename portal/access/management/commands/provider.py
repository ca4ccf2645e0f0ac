"""`manage.py provider VERB`: where recipients and administrators may sign in with an account they have."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from branding import choosing
from branding.models import Brand
from portal.access import providers
from portal.access.errors import ProviderUnusable
from portal.access.models import Provider
from portal.access.providers import Wanted

LONGEST_SECRET = 4096
WHOM = ("recipients", "office", "senders")


class Command(BaseCommand):
    help = "Look at and change the providers that people may sign in at (docs/sign-in.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        verbs.add_parser("list", help="show all providers")
        _add_fields(verbs.add_parser("add", help="make a provider, after asking it for what it publishes"))
        for verb, word in (("on", "switch a provider on"), ("off", "switch it off; sessions that it proved go on")):
            switch = verbs.add_parser(verb, help=word)
            switch.add_argument("slug")
            switch.add_argument("--brand", action="append", default=[], help="for this brand only; may be repeated")
        secret = verbs.add_parser("secret", help="give its client another secret")
        secret.add_argument("slug")
        secret.add_argument("--secret-file", help="file whose one line it is; else it is asked for or piped")
        verbs.add_parser("remove", help="end a provider and all sessions that it proved").add_argument("slug")
        verbs.add_parser("test", help="ask it now for what it publishes").add_argument("slug")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(**options)
        except ProviderUnusable as refused:
            raise CommandError(str(refused)) from None

    def _list(self, **_: Any) -> None:
        for row in Provider.objects.order_by("slug"):
            self._show(row)

    def _add(self, slug: str, brand: list[str], secret_file: str | None, public: bool, **options: Any) -> None:
        wanted = Wanted(
            slug=slug,
            kind=options["kind"],
            client_id=options["client_id"],
            secret="" if public else _secret(secret_file),
            name=options["name"],
            issuer=options["issuer"],
            domains=options["domains"].replace(",", " ").split(),
            tenants=options["tenant"],
            **{whom: whom in options["whom"] for whom in WHOM},
            private=options["private"],
        )
        row = providers.add(wanted, _brands(brand) or [choosing.default()])
        self._show(row)
        self._register(row)

    def _on(self, slug: str, brand: list[str], **_: Any) -> None:
        row = providers.named(slug)
        providers.switch(row, on=True, brands=_brands(brand))
        self._show(row)
        self._register(row)

    def _off(self, slug: str, brand: list[str], **_: Any) -> None:
        row = providers.named(slug)
        providers.switch(row, on=False, brands=_brands(brand))
        self._show(row)

    def _secret(self, slug: str, secret_file: str | None, **_: Any) -> None:
        providers.renew_secret(providers.named(slug), _secret(secret_file))
        self.stdout.write("The secret is set.")

    def _remove(self, slug: str, **_: Any) -> None:
        providers.remove(providers.named(slug))
        self.stdout.write(f"{slug} is removed.")

    def _test(self, slug: str, **_: Any) -> None:
        row = providers.named(slug)
        known = providers.tried(row)
        self.stdout.write(f"{slug} answers as {known.issuer}, with {len(known.keys)} keys. People sign in at:")
        self.stdout.write(f"  {known.origin}")
        self._register(row)

    def _show(self, row: Provider) -> None:
        words = providers.line(row)
        head = f"{words.pop('provider')} ({words.pop('state')})"
        self.stdout.write("; ".join([head, *(f"{name} {value}" for name, value in words.items() if value)]))

    def _register(self, row: Provider) -> None:
        self.stdout.write("Register there, exactly so:")
        for url in providers.redirects(row):
            self.stdout.write(f"  redirect URI {url}")


def _add_fields(parser: ArgumentParser) -> None:
    parser.add_argument("slug", help="a short name, which becomes part of the redirect URI")
    parser.add_argument("--kind", choices=Provider.Kind.values, default=Provider.Kind.OIDC)
    parser.add_argument("--client-id", required=True)
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument("--secret-file", help="file whose one line is the client secret; else it is asked for or piped")
    secret.add_argument("--public", action="store_true", help="the client has no secret")
    parser.add_argument("--name", default="", help="as on the button: Continue with NAME")
    parser.add_argument("--issuer", default="", help="like https://login.example.org")
    parser.add_argument(
        "--domains",
        default="",
        help="mail domains whose people see this button first; a provider of the kind oidc is believed for these alone",
    )
    parser.add_argument(
        "--tenant",
        action="append",
        default=[],
        help="a tenant of Microsoft whose word is taken for its own domains: ID=example.org,example.net",
    )
    parser.add_argument(
        "--for",
        dest="whom",
        type=_whom,
        default=("recipients",),
        help="who may sign in there, with commas between: recipients, office, senders; both is recipients,office",
    )
    parser.add_argument("--brand", action="append", default=[], help="default: the default brand; may be repeated")
    parser.add_argument("--private", action="store_true", help="it may be at an address of your own network")


def _whom(text: str) -> tuple[str, ...]:
    """Who may sign in, each of WHOM once. ArgumentTypeError for any other word, and for none."""
    names = ("recipients", "office") if text == "both" else tuple(text.split(","))
    if not names or set(names) - set(WHOM):
        raise ArgumentTypeError(f"{text!r} is none of {', '.join(WHOM)} and both; several have commas between.")
    return names


def _brands(slugs: list[str]) -> list[Brand]:
    found = list(Brand.objects.filter(slug__in=slugs))
    missing = set(slugs) - {brand.slug for brand in found}
    if missing:
        raise CommandError(f"There is no brand {', '.join(sorted(missing))}.")
    return found


def _secret(path: str | None) -> str:
    """From a file, a prompt or a pipe; never from the command line, which every user of the computer can read."""
    if path is not None:
        try:
            text = Path(path).read_text()
        except (OSError, ValueError):
            raise CommandError(f"The file {path} cannot be read.") from None
    else:
        text = getpass.getpass("Client secret: ") if sys.stdin.isatty() else sys.stdin.readline()
    secret = text.strip()
    if not 0 < len(secret) <= LONGEST_SECRET or "\n" in secret:
        raise CommandError("No client secret was given, or more than one line. Use --public for a client without one.")
    return secret
