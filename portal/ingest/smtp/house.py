"""What all sessions of a door process share: who is there, who may come, and where mail goes."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from django.conf import settings

from portal.ingest.committing import Committer
from portal.ingest.connectors import Connector, address_of
from portal.ingest.roster import Roster
from portal.ingest.smtp import limits
from portal.ingest.smtp.allowance import Allowance
from portal.ingest.smtp.certificates import Certificates
from portal.ingest.smtp.common import Common
from portal.ingest.smtp.wire import Wire


class Guest(Protocol):
    """A session (portal.ingest.smtp.session), as far as the house knows it."""

    wire: Wire
    gone: asyncio.Future[None]

    def leave(self) -> None: ...


class House:
    """One for each process: `number` among those that have `common`. `certificates` is None without TLS."""

    def __init__(
        self, committer: Committer, certificates: Certificates | None, common: Common | None = None, number: int = 0
    ) -> None:
        configuration = settings.LETTERLOCK
        self.committer = committer
        self.certificates = certificates
        self.roster = Roster()
        self.sealing = ThreadPoolExecutor(4, thread_name_prefix="seal")
        # Hashing a password takes a third of a second of a processor: guessing must not take all of them.
        self.hashing = ThreadPoolExecutor(1, thread_name_prefix="login")
        self.name: str = configuration.public_host
        self.max_bytes: int = configuration.max_message_bytes
        self.max_recipients: int = configuration.max_recipients
        self.sessions: set[Guest] = set()
        self.strangers = 0
        self.closing = False
        common = common or Common()
        self.logins = common.logins
        """Failed logins by address, so that a guesser who connects again and again is slowed down as well."""
        self._seats = common.seats
        self._number = number
        self.allowance = Allowance()
        self._proxy_networks = configuration.proxy_networks

    def is_proxy(self, peer: str) -> bool:
        address = address_of(peer)
        return address is not None and any(address in network for network in self._proxy_networks)

    def has_room(self, *, listed: bool) -> bool:
        if self.closing:
            return False
        if not listed:
            return self.strangers < limits.MAX_STRANGERS
        return len(self.sessions) - self.strangers < limits.MAX_SESSIONS

    def enter(self, connector: Connector) -> bool:
        """Count one more session of a connector; False when it has all it may have."""
        most = connector.max_sessions
        return not most or self._seats.enter(self._number, connector.name, most)

    def leave(self, connector: Connector) -> None:
        if connector.max_sessions:
            self._seats.leave(self._number, connector.name)

    def close(self) -> None:
        """End the threads; call it when no session is left."""
        self.sealing.shutdown()
        self.hashing.shutdown()
        self.allowance.close()
        self.roster.close()
