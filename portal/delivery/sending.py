"""Sending what is due: claim rows by a lease, hand each over once, note how it went, go on to the next domain."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import close_old_connections

from portal import leases, observing
from portal.delivery import ahead, attempts, claiming, lanes, results, transport
from portal.delivery.attempts import Note, Written
from portal.delivery.desk import Desk
from portal.delivery.errors import Deferred, Refused
from portal.delivery.models import NO_LANE, Outbound
from portal.delivery.outcomes import GIVE_UP_AFTER, Lease
from portal.delivery.queue import address_of
from portal.delivery.transport import Transport
from portal.keys.errors import KeysError
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress

__all__ = ["BATCH", "GIVE_UP_AFTER", "send_due"]
log = logging.getLogger(__name__)

BATCH = 50
ROUND_SECONDS = 60
"""After this long no more is taken up, so that a new wake-up sees what came meanwhile."""
LAST_SECONDS = 840
"""Nor after this long, though a slow server keeps the process from hearing a wake-up: a task of more than 15 minutes
counts as stuck (portal.operations.heartbeats)."""
CREW, RELAY_CREW = 16, 4
"""Connections at once of one process: to many domains, where some are slow, or to the one relay."""
NOTE_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
"""Between tries to note an outcome: a database that is started again is mostly back by then."""
_PATIENCE_SECONDS = 1.0
_RELAY_SHARE = 10
"""Mails that one connection to the relay is worth."""
K = Outbound.Kind


def send_due(kinds: Collection[str], limit: int = BATCH, *, bulk: bool = False) -> int:
    """Send what is due of these kinds, at most `limit`, of bulk runs or all others; returns how many were taken up.

    Safe to run in any number of processes: a row is leased to one, and a row whose sender died is sent again.
    """
    return _Round(kinds, limit, bulk).run() if claiming.anything_due(kinds, bulk) else 0


@dataclass
class _Group:
    """Rows that go the same way; whoever is free takes the next."""

    domain: str
    asked: str
    rows: deque[Outbound] = field(default_factory=deque)


class _Round:
    """One look at what is due, by the thread that has the database and a few that talk to servers."""

    def __init__(self, kinds: Collection[str], limit: int, bulk: bool) -> None:
        self._kinds = kinds
        self._bulk = bulk
        self._limit = limit
        self._desk = Desk()
        self._end = time.monotonic() + ROUND_SECONDS
        self._last = time.monotonic() + LAST_SECONDS
        self._taken = 0
        self._at_work: list[threading.Thread] = []
        self._stopped: set[UUID] = set()
        self._groups: list[_Group] = []
        self._idle: dict[str, list[Transport]] = {}

    def run(self) -> int:
        try:
            while self._take_up() or self._at_work:
                if not self._wait_for_one(_PATIENCE_SECONDS):
                    self._go_round_the_slow()
        finally:
            # Whatever stops this thread, the others still need the desk to note what servers have taken.
            while self._at_work:
                self._wait_for_one(_PATIENCE_SECONDS)
            for way in [way for ways in self._idle.values() for way in ways]:
                way.close()
        return self._taken

    def _wait_for_one(self, seconds: float) -> bool:
        """Serve the desk until a thread has come to its end; False when none has in this time."""
        before, until = len(self._at_work), time.monotonic() + seconds
        while self._at_work and len(self._at_work) >= before:
            if (left := until - time.monotonic()) <= 0:
                return False
            self._desk.serve(left)
            self._at_work = [thread for thread in self._at_work if thread.is_alive()]
        return True

    def _go_round_the_slow(self) -> None:
        """Somebody waits for a slow server: what stands behind it is taken by another, or more is taken up."""
        now = time.monotonic()
        if self._room() <= 0 or now > self._last:
            return
        if now > self._end:
            # All that is left waits, perhaps for a quarter of an hour: nobody else's mail may wait with it.
            self._end = min(now + ROUND_SECONDS, self._last)
        # A domain's own servers get no second connection by this: its number is kept by the claims.
        waiting = [group for group in self._groups if group.rows and not transport.is_direct()]
        if waiting:
            self._start(waiting[0])
        else:
            self._limit += BATCH

    def _room(self) -> int:
        return (CREW if transport.is_direct() else RELAY_CREW) - len(self._at_work)

    def _take_up(self) -> bool:
        """Claim what there is room for and put threads to work on it."""
        if self._room() <= 0 or time.monotonic() > self._end or self._taken >= self._limit:
            return False
        rows = claiming.claim(self._kinds, self._limit - self._taken, bulk=self._bulk)
        self._taken += len(rows)
        if len(rows) > 1:
            ahead.look([row for row in rows if row.kind == K.NOTICE])
        self._groups = [group for group in self._groups if group.rows]
        for group in _grouped(rows):
            if self._room() <= 0:
                leases.give_back(group.rows)
                continue
            self._groups.append(group)
            for _ in range(1 if transport.is_direct() else min(self._room(), -(-len(group.rows) // _RELAY_SHARE))):
                self._start(group)
        return bool(rows)

    def _start(self, group: _Group) -> None:
        thread = threading.Thread(target=self._work, args=(group,), daemon=True)
        self._at_work.append(thread)
        thread.start()

    def _work(self, group: _Group) -> None:
        """In a thread of its own. Whatever breaks here is noted: the rows come back when their leases end."""
        if not group.rows:
            return self._desk.wake()
        key = transport.key(group.domain, group.asked)
        ways = self._idle.setdefault(key, [])
        try:
            way = _popped(ways) or self._new_way(group)
            try:
                # Whose address cannot be read now has no domain; why it waits is found when it is written.
                trouble = _opened(way) if group.domain or not transport.is_direct() else None
                self._all(group, way, trouble)
            except BaseException:
                way.close()
                raise
            if trouble is None:
                ways.append(way)
            else:
                way.close()
        except Exception as error:
            log.error("sending stopped: %s", type(error).__name__)
        finally:
            self._desk.wake()

    def _new_way(self, group: _Group) -> Transport:
        def note(policy: str, result: str) -> None:
            domain = group.domain if transport.is_direct() else ""
            try:
                self._desk.ask(partial(results.note, domain, policy, result))
            except Exception as error:  # a count that is lost stops no mail
                log.warning("a TLS session was not counted: %s", type(error).__name__)

        return transport.transport(group.domain, group.asked, note, self._desk.ask)

    def _all(self, group: _Group, way: Transport, trouble: Deferred | Refused | None) -> None:
        ask = self._desk.ask
        if isinstance(trouble, Deferred):
            log.warning("the way out is closed: %s", trouble.answer)
            ask(partial(_let_way_rest, group.domain, trouble.answer))
        # How the mail before went is noted in the visit in which the next is begun: half as many commits. Nothing is
        # handed over before that is durable, and nothing waits for it: where no mail follows, it is noted alone.
        note: Note | None = None
        try:
            while row := _next(group.rows):
                before, note = note, None
                if time.monotonic() > self._end or (row.lane in self._stopped and row.lane != NO_LANE):
                    if before is not None:
                        self._note(before)
                    ask(partial(leases.give_back, [row]))
                else:
                    note = self._send(row, way, trouble, before)
        finally:
            if note is not None:
                self._note(note)

    def _send(
        self, row: Outbound, way: Transport, trouble: Deferred | Refused | None, before: Note | None
    ) -> Note | None:
        """Send one mail; what is to be noted of it, if that was not done already. `before` is noted first."""
        ask, lease = self._desk.ask, Lease(row)
        with observing.work("delivery", row.message, kind=row.kind, mail=str(row.id)):
            written = self._begin(row, lease, trouble, before)
            if written is None:
                return None
            # The outcome is noted after the attempt: a database that fails then must neither make an accepted mail look
            # as if it had failed, nor drag what a foreign exception says into its own traceback.
            outcome, put_off = attempts.attempt(row, lambda: lease.keep(ask), way, written)
            note = partial(copy_context().run, outcome, row, lease)
        if not put_off:
            return note
        self._note(note)
        if trouble is None and lanes.holds_up_a_domain(put_off) and row.lane != NO_LANE:
            self._stopped.add(row.lane)
            ask(partial(_let_rest, row, put_off))
        return None

    def _begin(
        self, row: Outbound, lease: Lease, trouble: Deferred | Refused | None, before: Note | None
    ) -> Written | None:
        if before is not None:
            try:
                return self._desk.ask(partial(attempts.noted_and_begun, before, row, lease, trouble))
            except BaseException as error:
                # Whatever it is, the mail before is noted as if none had followed: also when this process is to end.
                self._note(before)
                if not isinstance(error, Exception):
                    raise
        return self._desk.ask(partial(attempts.begun, row, lease, trouble))

    def _note(self, note: Note) -> None:
        """Note how it went, again and again while the database is away: what a server has taken would be sent twice
        else. Noted already by a try whose answer was lost, it is not noted again. The last failure is raised."""
        for seconds in NOTE_PAUSES:
            try:
                return self._desk.ask(partial(attempts.noted, note))
            except DatabaseFailure:
                time.sleep(seconds)
                self._desk.ask(close_old_connections)
        return self._desk.ask(partial(attempts.noted, note))


def _next(rows: deque[Outbound]) -> Outbound | None:
    try:
        return rows.popleft()
    except IndexError:
        return None


def _popped(ways: list[Transport]) -> Transport | None:
    try:
        return ways.pop()
    except IndexError:  # also when another thread was quicker
        return None


def _grouped(rows: Sequence[Outbound]) -> list[_Group]:
    """Rows by the way they take: each domain by itself, or all to the relay."""
    groups: dict[str, _Group] = {}
    for row in rows:
        domain = _domain_of(row)
        groups.setdefault(transport.key(domain, row.tls), _Group(domain, row.tls)).rows.append(row)
    return list(groups.values())


def _domain_of(row: Outbound) -> str:
    """Nobody's without keys or with an address of no use: what stops the row is found when it is written."""
    try:
        return domain_of(address_of(row))
    except (KeysError, BadAddress):
        return ""


def _let_way_rest(domain: str, answer: str) -> None:
    lanes.rest(lanes.lane_id(domain) if transport.is_direct() else lanes.RELAY, domain, answer)


def _let_rest(row: Outbound, answer: str) -> None:
    lanes.rest(row.lane, _domain_of(row), answer)


def _opened(way: Transport) -> Deferred | Refused | None:
    # Before any mail is written: a server that answers slowly must not use up the leases.
    try:
        way.open()
    except (Deferred, Refused) as error:
        return error
    except ValueError as error:  # a name that some library cannot handle: its mail must not come round for ever
        log.error("the way out cannot be opened: %s", type(error).__name__)
        return Deferred("no connection")
    return None
