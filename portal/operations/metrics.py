"""/metrics for Prometheus (OpenMetrics 1.0), on an address of its own that strangers do not reach."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from portal import meters
from portal.configuration import Configuration
from portal.operations import folding, standing
from portal.values import Address

CACHE_SECONDS = 1.0
"""However many ask, the figures are added up once a second at most."""
READ_SECONDS = 5.0
ASKERS = 8
"""At once; what comes beyond waits in the kernel's queue."""


def serve(configuration: Configuration) -> None:
    """Serve until the process is ended. OSError when the address cannot be had."""
    if configuration.metrics is None:
        raise OSError("no address is set")
    with Server(configuration.metrics, Figures(configuration)) as server:
        server.serve_forever()


class Figures:
    """The text of all figures, at most a second old."""

    def __init__(self, configuration: Configuration) -> None:
        self._folder = folder = meters.folder_of(configuration)
        self._registry = CollectorRegistry()
        if folder.is_dir():
            MultiProcessCollector(self._registry, path=str(folder))  # type: ignore[no-untyped-call]
        self._registry.register(_Standing(configuration))
        self._lock = threading.Lock()
        self._text, self._until = b"", 0.0

    def text(self) -> bytes:
        with self._lock:
            if time.monotonic() > self._until:
                folding.fold(self._folder)
                self._text = generate_latest(self._registry)  # type: ignore[no-untyped-call]
                self._until = time.monotonic() + CACHE_SECONDS
            return self._text


class _Standing(Collector):
    """How things stand now, asked of database, disk and keyring and not counted along the way."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def collect(self) -> Iterable[Metric]:
        return standing.collect(self._configuration)

    def describe(self) -> Iterable[Metric]:
        return []  # registering must not ask the database


class Server(ThreadingHTTPServer):
    """A small HTTP server with one page."""

    daemon_threads = True

    def __init__(self, address: Address, figures: Figures) -> None:
        self.address_family = _family(address.host)
        self.figures = figures
        self._free = threading.Semaphore(ASKERS)
        super().__init__((address.host, address.port), _Page)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._free.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An asker that goes away is no news."""


class _Page(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "Letterlock", ""
    timeout = READ_SECONDS

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404, "Only /metrics is here.")
            return
        text = self.server.figures.text()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """No access log, here neither."""


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
