"""`manage.py up`: prepare everything, then run web, door, workers and scheduler until Ctrl-C."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.operations.commands import sentences
from portal.operations.running import up


class Command(BaseCommand):
    help = "Start the whole product on this machine; Ctrl-C stops it."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        with sentences():
            up(settings.LETTERLOCK)
