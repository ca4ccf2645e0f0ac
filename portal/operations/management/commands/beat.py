"""`manage.py beat`: the scheduler."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal import meters
from portal.operations import hardening
from portal.operations.working import keep_time


class Command(BaseCommand):
    help = "Ring the sweeper's bells until SIGTERM. One is enough; two do no harm."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        hardening.harden()
        meters.begin_alone(settings.LETTERLOCK)
        keep_time()
