"""The web server: granian with the portal's WSGI application."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import Any

from django.db import connections
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from portal.configuration import Configuration
from portal.operations import hardening
from portal.operations.bodies import whole_bodies

THREADS = 32
"""Requests at work at once in a process. A slow download holds its thread, and idle threads end after 30 s."""
WAITING_CONNECTIONS = 1024
STOP_SECONDS = 5
"""Downloads that are still running at a stop are cut then; browsers continue them by range."""
LOGS: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    # No access log, ever: links are in request lines.
    "loggers": {"granian.access": {"handlers": [], "propagate": False, "level": "CRITICAL"}},
}


def serve(configuration: Configuration) -> None:
    """Serve until SIGTERM. The application is loaded once, before the processes part, so that they share its memory."""
    import portal.access.brake  # its counts are those of all processes that begin here
    import portal.wsgi

    connections.close_all()
    gc.collect()
    gc.freeze()  # all of it lives as long as the process, and to walk through it again and again slows every page
    parent = os.getpid()

    proxies = configuration.proxies if configuration.https else ()

    def load() -> Callable[..., Any]:
        hardening.harden()
        hardening.watch_parent(parent)
        return whole_bodies(portal.wsgi.application, threads=THREADS, proxies=proxies)

    server = Server(
        "portal.wsgi:application",
        address=configuration.http.host,
        port=configuration.http.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=configuration.web_workers,
        blocking_threads=THREADS,
        backpressure=WAITING_CONNECTIONS,
        backlog=WAITING_CONNECTIONS,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_level=LogLevels.error,
        log_dictconfig=LOGS,
        log_access=False,
    )
    server.serve(target_loader=load, wrap_loader=False)
