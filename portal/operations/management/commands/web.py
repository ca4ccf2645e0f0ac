"""`manage.py web`: the pages."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal import meters
from portal.operations import hardening
from portal.operations.preparing import collect_static
from portal.operations.web import serve


class Command(BaseCommand):
    help = "Serve the pages on LETTERLOCK_HTTP until SIGTERM."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        hardening.harden()
        meters.begin_alone(settings.LETTERLOCK)
        collect_static()  # on a host of its own, `prepare` ran elsewhere
        serve(settings.LETTERLOCK)
