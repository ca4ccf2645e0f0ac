"""`manage.py door`: the server that takes mail in by SMTP and LMTP."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import meters
from portal.ingest.errors import CertificateUnusable
from portal.ingest.processes import supervise
from portal.ingest.serving import Listener, NotListening, listeners, serve
from portal.ingest.smtp.certificates import Certificates
from portal.ingest.smtp.common import Common

log = logging.getLogger("letterlock.door")


class Command(BaseCommand):
    help = "Take mail in at LETTERLOCK_SMTP, LETTERLOCK_SMTPS and LETTERLOCK_LMTP until SIGTERM or SIGINT."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--processes", type=int, choices=range(1, 65), metavar="N", default=settings.LETTERLOCK.door_processes,
            help="how many processes share the ports (LETTERLOCK_DOOR_PROCESSES)",
        )  # fmt: skip

    def handle(self, *args: Any, processes: int, **options: Any) -> None:
        places = listeners(settings.LETTERLOCK)
        meters.begin_alone(settings.LETTERLOCK)
        try:
            # Read here so that a wrong file stops the start; each process reads it again.
            Certificates.of(settings.LETTERLOCK)
            if processes > 1:
                common = Common(processes)
                supervise(processes, places, partial(_door, places, common), common.seats.ended)
            else:
                _door(places)
        except (NotListening, CertificateUnusable) as error:
            raise CommandError(str(error)) from None


def _door(
    places: tuple[Listener, ...], common: Common | None = None, number: int = 0, lifeline: int | None = None
) -> None:
    """One door process, of several that have `common`. It also stops when `lifeline`, its supervisor's pipe, ends."""
    certificates = Certificates.of(settings.LETTERLOCK)

    async def stopped() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        if certificates is not None:
            loop.add_signal_handler(signal.SIGHUP, certificates.reload)
        if lifeline is not None:
            loop.add_reader(lifeline, stop.set)
        await stop.wait()
        if lifeline is not None:
            loop.remove_reader(lifeline)
            os.close(lifeline)

    def ready() -> None:
        log.info("takes mail in at %s", ", ".join(str(place.address) for place in places))

    serve(places, certificates, stopped, ready, common=common, number=number)
