"""`manage.py door`: the SMTP server that takes mail in."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal import meters
from portal.ingest.serving import serve

log = logging.getLogger("letterlock.door")


class Command(BaseCommand):
    help = "Take mail in by SMTP at LETTERLOCK_SMTP until SIGTERM or SIGINT."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        address = settings.LETTERLOCK.smtp
        meters.begin_alone(settings.LETTERLOCK)
        try:
            serve(address, _told_to_stop, lambda: log.info("takes mail in at %s", address))
        except OSError as error:
            raise CommandError(
                f"The door cannot listen on {address} ({error.strerror or type(error).__name__}). "
                "Stop what uses that port, or set LETTERLOCK_SMTP to another address."
            ) from None


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()
