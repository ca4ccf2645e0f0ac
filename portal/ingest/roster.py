"""What a door process knows of the database: its connectors, read every few seconds and kept while that is away."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import close_old_connections, connection

from branding import addresses
from portal.access import grants
from portal.audit.record import record
from portal.ingest import models
from portal.ingest.connectors import BUILT_IN, Connector
from portal.keys.errors import KeysError
from portal.keys.service import keys

log = logging.getLogger(__name__)

FRESH_SECONDS = 3.0
NOTE_SECONDS = 60.0
WAIT_SECONDS = 2.0
"""Longest time that a client waits for a slow database before the list known so far is used."""


def built_in() -> Connector | None:
    """What LETTERLOCK_NETWORKS makes; None when it lists nothing."""
    networks = settings.LETTERLOCK.networks
    return Connector(BUILT_IN, networks) if networks else None


def of_row(row: models.Connector) -> Connector:
    """The plain value of a row, whose fields were checked when it was written."""
    return Connector(
        name=row.name,
        networks=tuple(ipaddress.ip_network(word) for word in row.networks.split()),
        certificate=row.certificate,
        login=row.login,
        password=row.password,
        domains=tuple(row.domains.split()),
        tls_required=row.tls_required,
        max_sessions=row.max_sessions,
        max_hourly=row.max_hourly,
        header=row.header,
        digests=tuple(row.header_digests.split()),
    )


def _own_domains() -> frozenset[str]:
    return frozenset({settings.LETTERLOCK.bounce_domain, settings.LETTERLOCK.public_host} - {""})


def _record(kind: str) -> None:
    try:
        close_old_connections()
        record(kind)
    except DatabaseFailure as error:
        log.error("%s could not be recorded: %s", kind, type(error).__name__)
        connection.close()


class Roster:
    """The list, and the one thread of a door that asks the database anything but to take mail."""

    def __init__(self) -> None:
        self._built_in = built_in()
        self.connectors: tuple[Connector, ...] = (self._built_in,) if self._built_in else ()
        self.bounce_domains = _own_domains()
        """Where bounces come to, brands' hosts included."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="roster")
        self._read_at = 0.0
        self._reading: asyncio.Future[None] | None = None
        self._away = False
        self._noted: dict[str, float] = {}
        self._passed_over: set[tuple[int, bytes]] = set()

    async def current(self) -> tuple[Connector, ...]:
        """The connectors, at most FRESH_SECONDS old while the database answers."""
        if time.monotonic() - self._read_at > FRESH_SECONDS:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.get_running_loop().run_in_executor(self._pool, self._read)
            # Not cancelled by the time-out: the next who asks looks for the same answer.
            await asyncio.wait([self._reading], timeout=0 if self._away else WAIT_SECONDS)
            if not self._reading.done():
                self._away = True
        return self.connectors

    def customer_headers(self) -> frozenset[str]:
        """Names of the headers that no mail keeps, whichever connector it came by."""
        return frozenset(connector.header for connector in self.connectors if connector.header)

    def note(self, kind: str) -> None:
        """Put an entry about the door into the record, without waiting for it, and at most one of a kind a minute: a
        client may cause as many as it likes."""
        now = time.monotonic()
        if now - self._noted.get(kind, -NOTE_SECONDS) >= NOTE_SECONDS:
            self._noted[kind] = now
            self._pool.submit(_record, kind)

    def close(self) -> None:
        """End the thread and its connection to the database."""
        self._pool.submit(connection.close)
        self._pool.shutdown()

    def _read(self) -> None:
        try:
            close_old_connections()
            rows = list(models.Connector.objects.order_by("name"))
            posted = keys().grants.posted()
            believed = [row for row in rows if grants.is_posted(row, posted)]
            stored = tuple(of_row(row) for row in believed)
            hosts = addresses.bounce_domains()
        except (DatabaseFailure, KeysError, ValueError) as error:
            if not self._away:
                log.warning("the connectors cannot be read (%s); the last known ones stay", type(error).__name__)
            self._away = True
            if isinstance(error, DatabaseFailure):
                connection.close()
        else:
            self._away = False
            self.connectors = ((self._built_in,) if self._built_in else ()) + stored
            self.bounce_domains = _own_domains() | hosts
            self._tell([row for row in rows if row not in believed])
        self._read_at = time.monotonic()

    def _tell(self, strange: list[models.Connector]) -> None:
        """Say of each row that is passed over that it is, once as it is."""
        before = self._passed_over
        self._passed_over = {(row.pk, grants.state_of(row)) for row in strange}
        for row in strange:
            if (row.pk, grants.state_of(row)) in before:
                continue
            log.error(
                "connector %s is not as the portal wrote it, so no mail comes by it: manage.py grants list", row.name
            )
            try:
                grants.tell_unposted(row)
            except DatabaseFailure as error:
                log.error("%s could not be recorded: %s", grants.FORGED, type(error).__name__)
                connection.close()
