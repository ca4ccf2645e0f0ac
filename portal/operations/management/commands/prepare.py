"""`manage.py prepare`: make what a start needs; safe to repeat."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from portal.operations import heartbeats, turns
from portal.operations.commands import sentences
from portal.operations.preparing import prepare


class Command(BaseCommand):
    help = "Make data folder, keys, tables, default brand and first administrator, as far as they are not there."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--start", action="store_true", help="Forget the signs of life of an earlier run.")

    def handle(self, *args: Any, start: bool, **options: Any) -> None:
        os.umask(0o077)
        with sentences():
            link = prepare(settings.LETTERLOCK)
            if start:
                heartbeats.forget()
                if connection.vendor == "sqlite":  # one tree alone, so no other scheduler can be alive
                    turns.forget()
        if link:
            self.stdout.write(f"Administrator  {link}  (works once, within 24 hours)")
