"""`manage.py keys VERB`: what is done to keys by hand; each verb is a module of portal.operations.keycommands."""

from __future__ import annotations

import pkgutil
import sys
from argparse import ArgumentParser
from importlib import import_module
from typing import Any, Protocol, cast

from django.core.management.base import BaseCommand, CommandParser

from portal.operations import keycommands
from portal.operations.commands import sentences
from portal.operations.terminal import Terminal


class Verb(Protocol):
    """What a module of keycommands offers."""

    HELP: str

    def add_arguments(self, parser: ArgumentParser) -> None: ...

    def run(self, options: dict[str, Any], terminal: Terminal) -> int: ...


class Command(BaseCommand):
    help = "Look at, back up, rotate, move and destroy the installation's keys."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        for name, verb in verbs().items():
            verb.add_arguments(chosen.add_parser(name, help=verb.HELP, description=verb.HELP))

    def handle(self, *_: object, **options: Any) -> None:
        with sentences():
            status = verbs()[options["verb"]].run(options, Terminal(self.stdout, sys.stderr))
        if status:
            sys.exit(status)


def verbs() -> dict[str, Verb]:
    """Every verb by its name, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(keycommands.__path__))
    return {name: cast("Verb", import_module(f"{keycommands.__name__}.{name}")) for name in names}
