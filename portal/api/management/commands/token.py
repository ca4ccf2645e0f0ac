"""`manage.py token`: make and remove bearer tokens for the HTTP API."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.api import tokens
from portal.api.errors import ApiError

LONGEST_NAME = 80


class Command(BaseCommand):
    help = "Make a bearer token for the HTTP API (printed once, kept nowhere), or remove one."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("create", "remove"))
        parser.add_argument("name", help="what the token is for, like the name of the program")

    def handle(self, *args: Any, **options: Any) -> None:
        name: str = options["name"].strip()
        if not name or len(name) > LONGEST_NAME:
            raise CommandError(f"Give the token a name of 1 to {LONGEST_NAME} characters.")
        if options["action"] == "create":
            try:
                self.stdout.write(tokens.create(name))
            except ApiError as error:
                raise CommandError(str(error)) from None
        elif not tokens.remove(name):
            raise CommandError("There is no token of this name.")
