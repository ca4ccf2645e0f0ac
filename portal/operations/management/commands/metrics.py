"""`manage.py metrics`: the figures for Prometheus."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.operations import hardening
from portal.operations.metrics import serve


class Command(BaseCommand):
    help = "Serve /metrics on LETTERLOCK_METRICS until SIGTERM. Every other command that serves starts it by itself."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--beside", type=int, metavar="PID", help="end when this process, which started it, ends")

    def handle(self, *args: Any, beside: int | None, **options: Any) -> None:
        os.environ.setdefault("LETTERLOCK_PART", "metrics")
        hardening.harden()
        if beside is not None:
            hardening.watch_parent(beside)
        address = settings.LETTERLOCK.metrics
        if address is None:
            raise CommandError("LETTERLOCK_METRICS is not set. Write where to serve, like 127.0.0.1:9464.")
        try:
            serve(settings.LETTERLOCK)
        except OSError as error:
            raise CommandError(
                f"The figures cannot be served on {address} ({error.strerror or type(error).__name__}). "
                "Stop what uses that port, or set LETTERLOCK_METRICS to another address."
            ) from None
