"""`manage.py prepare`: make what a start needs; safe to repeat."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.operations.commands import sentences
from portal.operations.preparing import prepare


class Command(BaseCommand):
    help = "Make data folder, keys, tables, default brand and first administrator, as far as they are not there."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)
        with sentences():
            link = prepare(settings.LETTERLOCK)
        if link:
            self.stdout.write(f"Administrator  {link}  (works once, within 24 hours)")
