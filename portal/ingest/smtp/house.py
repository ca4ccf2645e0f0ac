"""What all sessions of a door process share: who is there, who may come, and where mail goes."""

from __future__ import annotations

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from django.conf import settings

from portal.ingest.committing import Committer
from portal.ingest.connectors import Connector, address_of
from portal.ingest.roster import Roster
from portal.ingest.smtp import limits
from portal.ingest.smtp.certificates import Certificates

if TYPE_CHECKING:
    from portal.ingest.smtp.session import Session

log = logging.getLogger(__name__)

_MOST_PEERS = 10_000


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
        self.sessions: set[Session] = set()
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
        self.roster.close()


class Allowance:
    """How many more recipients each connector may name: an hour's at once, and as many again spread over each hour.
    What a stolen login or a program gone wrong sends has an end, and its mail servers try again later."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}
        self._used_up: set[str] = set()

    def take(self, connector: Connector) -> bool:
        """One recipient more; False when its hour is used up."""
        most = connector.max_hourly
        if not most:
            return True
        now = self._clock()
        left, at = self._left.get(connector.name, (float(most), now))
        left = min(most, left + (now - at) * most / 3600)
        allowed = left >= 1
        self._left[connector.name] = (left - allowed, now)
        if allowed:
            self._used_up.discard(connector.name)
        elif connector.name not in self._used_up:
            self._used_up.add(connector.name)
            log.warning("connector %s has named as many recipients as it may in an hour (%d)", connector.name, most)
        return allowed


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
