"""`manage.py connector VERB`: who may hand in mail, and how they show that it is them."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.access import grants
from portal.ingest import customer, enrolling
from portal.ingest.connectors import Connector
from portal.ingest.errors import ConnectorRefused
from portal.ingest.models import Connector as Row
from portal.ingest.roster import built_in, of_row
from portal.keys.errors import KeysError
from portal.keys.service import keys

_FIELDS = ("networks", "certificate", "login", "domains", "tls_required", "max_sessions", "max_hourly", "header")
_MOST = 2**31 - 1
ADVICE = "see manage.py grants list"


class Command(BaseCommand):
    help = "Look at and change the connectors. Doors know of a change within seconds."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        verbs.add_parser("list", help="show all connectors")
        _add_fields(verbs.add_parser("add", help="make a connector"))
        change = verbs.add_parser("change", help="change what is named, leave the rest")
        _add_fields(change)
        change.add_argument(
            "--forget-old-header", action="store_true", help="only the newest value of its customer header counts"
        )
        verbs.add_parser("remove", help="end a connector").add_argument("name")
        password = verbs.add_parser("password", help="make a new password for a connector's login and print it once")
        password.add_argument("name")
        password.add_argument("--ask", action="store_true", help="ask for it instead (or read it from a pipe)")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(**options)
        except (ConnectorRefused, KeysError) as refused:
            raise CommandError(str(refused)) from None

    def _list(self, **_: Any) -> None:
        default = built_in()
        if default:
            self.stdout.write(_line(default))
        posted = keys().grants.posted()
        for row in Row.objects.order_by("name"):
            if grants.is_posted(row, posted):
                self.stdout.write(_line(of_row(row)))
            else:
                self.stdout.write(f"{row.name}; not as the portal wrote it, so no mail comes by it: {ADVICE}")

    def _add(self, name: str, **options: Any) -> None:
        value = _value_for(options)
        self._say(enrolling.add(name, {field: options[field] for field in _FIELDS}, value=value), value)

    def _change(self, name: str, forget_old_header: bool, **options: Any) -> None:
        value = _value_for(options)
        fields = {field: options[field] for field in _FIELDS}
        self._say(enrolling.change(name, fields, value=value, forget_old=forget_old_header), value)

    def _say(self, row: Row, value: str) -> None:
        self.stdout.write(_line(of_row(row)))
        if value:
            self.stdout.write(f"{row.header}: {value}  (shown this once; it is kept as a hash)")

    def _remove(self, name: str, **_: Any) -> None:
        enrolling.remove(name)
        self.stdout.write(f"{name} is removed.")

    def _password(self, name: str, ask: bool, **_: Any) -> None:
        if not ask:
            self.stdout.write(f"{enrolling.new_password(name)}  (shown this once; it is kept as a hash)")
            return
        given = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        if not given:
            raise CommandError("No password was given. Type one, or leave --ask out and let one be made.")
        enrolling.new_password(name, given)
        self.stdout.write("The password is set.")


def _add_fields(parser: ArgumentParser) -> None:
    parser.add_argument("name")
    parser.add_argument("--networks", help="networks it may come from, like 192.0.2.0/24; an empty text for any")
    parser.add_argument("--certificate", help="DNS name that its client certificate must have")
    parser.add_argument("--login", help="name for AUTH; set its password with manage.py connector password")
    parser.add_argument("--domains", help="sender domains it may use; an empty text for all")
    tls = parser.add_mutually_exclusive_group()
    tls.add_argument(
        "--tls", dest="tls_required", action="store_true", default=None, help="take its mail over TLS only"
    )
    tls.add_argument("--no-tls", dest="tls_required", action="store_false", default=None, help="also in clear")
    parser.add_argument(
        "--header",
        help="customer header that its mail must carry: makes a new value and prints it; an empty text for none",
    )
    parser.add_argument("--max-sessions", type=_number, help="sessions at once at one host; 0 for no limit")
    parser.add_argument(
        "--max-hourly", type=_number, help="recipients in an hour, at all doors together; 0 for no limit"
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST):
        raise ArgumentTypeError(f"it is a whole number of at most {_MOST}")
    return int(text)


def _value_for(options: dict[str, Any]) -> str:
    return customer.new_value() if options["header"] else ""


def _line(connector: Connector) -> str:
    """All of a connector on one line; what it does not ask for is left out."""
    values = len(connector.digests)
    words = [
        connector.name,
        "networks " + " ".join(map(str, connector.networks)) if connector.networks else "",
        f"certificate {connector.certificate}" if connector.certificate else "",
        f"login {connector.login}" + ("" if connector.password else " (no password yet)") if connector.login else "",
        f"sends as {' '.join(connector.domains)}" if connector.domains else "",
        "TLS only" if connector.tls_required else "",
        f"header {connector.header}" + (f" ({values} values)" if values > 1 else "") if connector.header else "",
        f"{connector.max_sessions} sessions" if connector.max_sessions else "",
        f"{connector.max_hourly} recipients an hour" if connector.max_hourly else "",
    ]
    return "; ".join(filter(None, words))
