"""`manage.py demo load`: the demo organisation."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.operations.commands import sentences
from portal.operations.demo_data import load_brands, load_messages, load_rules


class Command(BaseCommand):
    help = "Load the demo organisation into this running portal; what is there already is left alone."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["load"])

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LETTERLOCK.demo:
            raise CommandError("The demo is off (LETTERLOCK_DEMO). Its people and mails do not belong into real data.")
        with sentences():
            load_brands()
            load_rules()
            number = load_messages()
        self.stdout.write(
            f"{number} messages of the demo were sent through the door." if number else "Nothing to load."
        )
