"""`manage.py token VERB`: bearer tokens for the HTTP API: made, listed, renewed, revoked."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from branding.models import Brand
from portal.api import scopes, tokens
from portal.api.errors import ApiError
from portal.api.models import Token
from portal.api.scopes import Scope

NEVER = "never"


class Command(BaseCommand):
    help = "Bearer tokens for the HTTP API, each printed once and kept nowhere."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        chosen = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        create = _named(chosen.add_parser("create", help="Make one; prints it."))
        create.add_argument(
            "--scope", action="append", choices=Scope.values, help="what it may do, again for each; else messages:send"
        )
        create.add_argument("--expires", default="", metavar="DAY", help="2027-12-31, a number of days, or never")
        create.add_argument("--brand", default="", metavar="SLUG", help="it sees and sends only what is this brand's")
        chosen.add_parser("list", help="All in use, with what they may do.").add_argument("--json", action="store_true")
        renew = _named(chosen.add_parser("renew", help="Print another in its place; the old one counts for a day."))
        renew.add_argument("--at-once", action="store_true", help="the old one ends now")
        for verb in ("revoke", "remove"):
            _named(chosen.add_parser(verb, help="End it now."))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for line in _VERBS[options["verb"]](options):
                self.stdout.write(line)
        except ApiError as error:
            raise CommandError(str(error)) from None


def _named(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("name", help="what the token is for, like the name of the program")
    return parser


def _create(options: dict[str, Any]) -> list[str]:
    allowed = [Scope(word) for word in options["scope"] or scopes.BY_DEFAULT]
    brand = Brand.objects.filter(slug=options["brand"]).first() if options["brand"] else None
    if options["brand"] and brand is None:
        raise CommandError("There is no brand of this short name; `manage.py brand list` shows them.")
    return [tokens.create(options["name"], allowed, expires_at=_end_of(options["expires"]), brand=brand)]


def _end_of(written: str) -> datetime | None:
    now = timezone.localtime()
    if written == NEVER:
        return None
    if not written:
        return now + tokens.LIFETIME
    try:
        day = now.date() + timedelta(int(written)) if written.isdecimal() else date.fromisoformat(written)
        return timezone.make_aware(datetime.combine(day, time.max))
    except (ValueError, OverflowError):
        raise CommandError("Write --expires as a day like 2027-12-31, a number of days, or never.") from None


def _list(options: dict[str, Any]) -> list[str]:
    found = [_told(row) for row in tokens.in_use()]
    if options["json"]:
        return [json.dumps(found, indent=2)]
    if not found:
        return ["There is no token. Make one: manage.py token create NAME"]
    return [
        f"{one['name']}  {' '.join(one['scopes']) or 'nothing'}  {one['brand'] or 'all brands'}  "
        f"expires {one['expires_at'] or NEVER}  last used {one['used_at'] or NEVER}"
        for one in found
    ]


def _told(row: Token) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "scopes": sorted(scope.value for scope in scopes.of(row.scopes)),
        "brand": row.brand.slug if row.brand else None,
        "made_at": _moment(row.made_at),
        "expires_at": _moment(row.expires_at),
        "used_at": _moment(row.used_at),
    }


def _moment(at: datetime | None) -> str | None:
    return timezone.localtime(at).isoformat(timespec="minutes") if at else None


def _renew(options: dict[str, Any]) -> list[str]:
    return [tokens.renew(tokens.named(options["name"]), at_once=options["at_once"])]


def _revoke(options: dict[str, Any]) -> list[str]:
    tokens.revoke(tokens.named(options["name"]))
    return []


_VERBS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "create": _create,
    "list": _list,
    "renew": _renew,
    "revoke": _revoke,
    "remove": _revoke,
}
