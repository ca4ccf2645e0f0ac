"""`manage.py dkim make|show|check|on|off`: the keys that sign mail which the portal writes itself."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from branding import addresses
from branding.models import Brand
from portal.delivery import signing
from portal.delivery.errors import BadDkim
from portal.delivery.models import DkimKey
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "Make a DKIM key for a domain, show what to publish in DNS, check it there, and sign with it or stop."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        making = chosen.add_parser("make", help="Make a key; mail is not signed with it before `on`.")
        making.add_argument("--selector", default="", help="the key's name in DNS; letterlock-DATE if none is given")
        _whose(making)
        _whose(chosen.add_parser("show", help="Print the DNS record to publish."))
        _whose(chosen.add_parser("check", help="Look the record up in DNS; exit status 1 when it is not there."))
        turning = chosen.add_parser("on", help="Sign with the domain's newest key, once its record is in DNS.")
        turning.add_argument("--unchecked", action="store_true", help="without looking at DNS first")
        _whose(turning)
        _whose(chosen.add_parser("off", help="Sign no more for the domain."))

    def handle(self, *_: object, **options: Any) -> None:
        verbs = {"make": _make, "show": _show, "check": _check, "on": _on, "off": _off}
        with sentences():
            text, well = verbs[options["verb"]](options)
        self.stdout.write(text)
        if not well:
            sys.exit(1)


def _whose(parser: ArgumentParser) -> None:
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--brand", help="the brand whose address mail is written from")
    whose.add_argument("--domain", help="or the domain itself")


def _domain(options: dict[str, Any]) -> str:
    if options["domain"]:
        return str(options["domain"])
    brand = Brand.objects.filter(slug=options["brand"]).first()
    if brand is None:
        raise BadDkim("There is no brand of this name. Give its short name, or the domain with --domain.")
    return addresses.portal_address(brand).rpartition("@")[2]


def _make(options: dict[str, Any]) -> tuple[str, bool]:
    key = signing.make(_domain(options), options["selector"])
    return f"{_record(key)}\nPublish it, then: manage.py dkim on --domain {key.domain}", True


def _show(options: dict[str, Any]) -> tuple[str, bool]:
    return _record(signing.newest(_domain(options))), True


def _record(key: DkimKey) -> str:
    """In pieces of at most 255 characters, as zone files want them (RFC 1035 section 3.3.14)."""
    name, text = signing.record_of(key)
    pieces = " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))
    return f"{name}. IN TXT ( {pieces} )"


def _check(options: dict[str, Any]) -> tuple[str, bool]:
    return _found(signing.newest(_domain(options)))


def _found(key: DkimKey) -> tuple[str, bool]:
    name = signing.record_of(key)[0]
    if signing.is_published(key):
        return f"{name} is in DNS as it should be.", True
    return f"{name} is not in DNS, or holds another key. manage.py dkim show prints what to publish.", False


def _on(options: dict[str, Any]) -> tuple[str, bool]:
    key = signing.newest(_domain(options))
    if not options["unchecked"]:
        text, well = _found(key)
        if not well:
            return f"{text} Nothing was changed.", False
    signing.switch(key, on=True)
    return f"Mail from {key.domain} is signed with {key.selector} from now on.", True


def _off(options: dict[str, Any]) -> tuple[str, bool]:
    key = signing.newest(_domain(options))
    signing.switch(key, on=False)
    return f"Mail from {key.domain} is signed no more.", True
