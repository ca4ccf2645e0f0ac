"""`manage.py worker`: what is done behind the pages."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import meters
from portal.celery import QUEUES
from portal.operations import hardening
from portal.operations.working import work


class Command(BaseCommand):
    help = "Seal, notify and send passcodes until SIGTERM. Run one for passcode apart, so that nothing delays it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queues", default=",".join(QUEUES), help=f"Some of {','.join(QUEUES)}.")
        parser.add_argument("--pool", choices=["prefork", "solo"], default="prefork")
        parser.add_argument("--processes", type=int, help="Instead of LETTERLOCK_WORKER_PROCESSES.")

    def handle(self, *args: Any, queues: str, pool: str, processes: int | None, **options: Any) -> None:
        chosen = [queue.strip() for queue in queues.split(",")]
        if unknown := set(chosen) - set(QUEUES):
            raise CommandError(f"There is no queue {', '.join(sorted(unknown))}. Choose from {', '.join(QUEUES)}.")
        hardening.harden()
        meters.begin_alone(settings.LETTERLOCK)
        number = processes or settings.LETTERLOCK.worker_processes
        sys.exit(work(chosen, pool=pool, processes=1 if pool == "solo" else number))
