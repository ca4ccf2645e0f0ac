"""How many more recipients each connector may name, at all doors of the installation together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import close_old_connections, connection
from django.utils import timezone

from portal.ingest import hourly
from portal.ingest.connectors import Connector

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0
"""Longest time that a client waits for a slow database before this process counts by itself."""
ALONE_SECONDS = 10.0
"""So long it does, before it asks again."""
SHUT_SECONDS = 5.0
"""Longest time that "no more" is believed without asking: somebody may have raised the limit."""


class Allowance:
    """An hour's recipients at once, and as many again spread over each hour. What a stolen login or a program gone
    wrong sends has an end, and its mail servers try again later.

    Each process takes a portion at a time off the count in the database, in a thread. While that cannot be asked the
    process counts by itself, so nothing is refused for it and nothing is without a limit.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._in_hand: Counter[str] = Counter()
        self._asked: dict[str, asyncio.Future[None]] = {}
        self._alone_until: dict[str, float] = {}
        self._shut_until: dict[str, float] = {}
        self._own: dict[str, tuple[float, float]] = {}
        self._used_up: set[str] = set()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="hourly")

    async def take(self, connector: Connector) -> bool:
        """One recipient more; False when its hour is used up."""
        if not connector.max_hourly:
            return True
        name, most = connector.name, connector.max_hourly
        async with self._turns[name]:
            said = await self._of_all(name, most)
        allowed = self._of_this(name, most, said)
        if allowed:
            self._used_up.discard(name)
        elif name not in self._used_up:
            self._used_up.add(name)
            log.warning("connector %s has named as many recipients as it may in an hour (%d)", name, most)
        return allowed

    def close(self) -> None:
        """End the thread and its connection to the database."""
        self._pool.submit(connection.close)
        self._pool.shutdown()

    async def _of_all(self, name: str, most: int) -> bool | None:
        """What the common count says; None while it cannot be asked."""
        while not self._in_hand[name]:
            now = self._clock()
            if now < self._shut_until.get(name, now):
                return False
            if now < self._alone_until.get(name, now):
                return None
            asked = self._asked.get(name)
            if asked is None or asked.done():
                asked = asyncio.get_running_loop().run_in_executor(self._pool, self._ask, name, most)
                self._asked[name] = asked
            # Not cancelled by the time-out: what it still brings is there for the next who asks.
            await asyncio.wait([asked], timeout=WAIT_SECONDS)
            if not asked.done():
                self._count_alone(name, "TimeoutError")
        self._in_hand[name] -= 1
        return True

    def _of_this(self, name: str, most: int, said: bool | None) -> bool:
        """Keep this process's own count, which decides where the common one said nothing."""
        now = self._clock()
        used, at = self._own.get(name, (0.0, now))
        used = hourly.spent(used, now - at, most)
        allowed = not hourly.until_next(used, most) if said is None else said
        self._own[name] = (used + allowed, now)
        return allowed

    def _ask(self, name: str, most: int) -> None:
        try:
            close_old_connections()
            portion, wait = hourly.take_portion(name, most, timezone.now())
        except Exception as error:  # whatever it is, no client may wait for ever
            connection.close()
            self._count_alone(name, type(error).__name__)
        else:
            self._alone_until.pop(name, None)
            self._in_hand[name] += portion
            if not portion:
                self._shut_until[name] = self._clock() + min(wait, SHUT_SECONDS)

    def _count_alone(self, name: str, reason: str) -> None:
        if name not in self._alone_until:
            log.warning("the recipients of connector %s are counted in this process alone for now (%s)", name, reason)
        self._alone_until[name] = self._clock() + ALONE_SECONDS
