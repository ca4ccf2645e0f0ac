"""`manage.py connector VERB`: who may hand in mail, and how they show that it is them."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.ingest import enrolling
from portal.ingest.connectors import Connector
from portal.ingest.errors import ConnectorRefused
from portal.ingest.models import Connector as Row
from portal.ingest.roster import built_in, of_row

_FIELDS = ("networks", "certificate", "login", "domains", "tls_required", "max_sessions")


class Command(BaseCommand):
    help = "Look at and change the connectors. Doors know of a change within seconds."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        verbs.add_parser("list", help="show all connectors")
        for verb, text in (("add", "make a connector"), ("change", "change what is named, leave the rest")):
            _add_fields(verbs.add_parser(verb, help=text))
        verbs.add_parser("remove", help="end a connector").add_argument("name")
        password = verbs.add_parser("password", help="make a new password for a connector's login and print it once")
        password.add_argument("name")
        password.add_argument("--ask", action="store_true", help="ask for it instead (or read it from a pipe)")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(**options)
        except ConnectorRefused as refused:
            raise CommandError(str(refused)) from None

    def _list(self, **_: Any) -> None:
        default = built_in()
        for connector in ([default] if default else []) + [of_row(row) for row in Row.objects.order_by("name")]:
            self.stdout.write(_line(connector))

    def _add(self, name: str, **options: Any) -> None:
        self.stdout.write(_line(of_row(enrolling.add(name, {field: options[field] for field in _FIELDS}))))

    def _change(self, name: str, **options: Any) -> None:
        self.stdout.write(_line(of_row(enrolling.change(name, {field: options[field] for field in _FIELDS}))))

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
    parser.add_argument("--max-sessions", type=int, help="sessions at once, in each door process; 0 for no limit")


def _line(connector: Connector) -> str:
    """All of a connector on one line; what it does not ask for is left out."""
    words = [
        connector.name,
        "networks " + " ".join(map(str, connector.networks)) if connector.networks else "",
        f"certificate {connector.certificate}" if connector.certificate else "",
        f"login {connector.login}" + ("" if connector.password else " (no password yet)") if connector.login else "",
        f"sends as {' '.join(connector.domains)}" if connector.domains else "",
        "TLS only" if connector.tls_required else "",
        f"{connector.max_sessions} sessions" if connector.max_sessions else "",
    ]
    return "; ".join(filter(None, words))
