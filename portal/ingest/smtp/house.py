"""What all sessions of a door process share: who is there, who may come, and where mail goes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from django.conf import settings

from portal.ingest.committing import Committer
from portal.ingest.connectors import Connector, address_of
from portal.ingest.roster import Roster
from portal.ingest.smtp import limits
from portal.ingest.smtp.allowance import Allowance
from portal.ingest.smtp.certificates import Certificates
from portal.ingest.smtp.wire import Wire

_MOST_PEERS = 10_000


class Guest(Protocol):
    """A session (portal.ingest.smtp.session), as far as the house knows it."""

    wire: Wire
    gone: asyncio.Future[None]

    def leave(self) -> None: ...


class House:
    """One for each process. `certificates` is None where no TLS is offered."""

    def __init__(self, committer: Committer, certificates: Certificates | None) -> None:
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
        self.failures = Failures()
        self.allowance = Allowance()
        self._proxy_networks = configuration.proxy_networks
        self._by_connector: Counter[str] = Counter()

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
        if connector.max_sessions and self._by_connector[connector.name] >= connector.max_sessions:
            return False
        self._by_connector[connector.name] += 1
        return True

    def leave(self, connector: Connector) -> None:
        self._by_connector[connector.name] -= 1

    def close(self) -> None:
        """End the threads; call it when no session is left."""
        self.sealing.shutdown()
        self.hashing.shutdown()
        self.allowance.close()
        self.roster.close()


class Failures:
    """Failed logins by address, so that a guesser who connects again and again is slowed down as well."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def add(self, peer: str) -> None:
        count, since = self._current(peer)
        self._seen[peer] = (count + 1, since)
        self._seen.move_to_end(peer)
        if len(self._seen) > _MOST_PEERS:
            self._seen.popitem(last=False)

    def too_many(self, peer: str) -> bool:
        return self._current(peer)[0] >= limits.MAX_PEER_FAILURES

    def _current(self, peer: str) -> tuple[int, float]:
        count, since = self._seen.get(peer, (0, 0.0))
        now = time.monotonic()
        return (count, since) if count and now - since < limits.PEER_FAILURE_SECONDS else (0, now)
