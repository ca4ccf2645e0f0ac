"""Sending what is due: claim rows by a lease, hand each over once, note how it went, try again later if need be."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from portal import leases
from portal.audit.record import record
from portal.delivery.errors import Deferred, LeaseLost, Refused
from portal.delivery.letters import prepare
from portal.delivery.models import Outbound
from portal.delivery.relay import UNCLEAR
from portal.delivery.transport import Transport, transport
from portal.keys.errors import KeyDestroyed, KeysError, WrapRefused
from portal.vault.errors import BlobsUnavailable, VaultError

log = logging.getLogger(__name__)

BATCH = 50
_WAIT_FIRST, _WAIT_MOST = timedelta(seconds=30), timedelta(hours=1)
_WAIT_FOR_KEYS = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(days=5)
S, K = Outbound.State, Outbound.Kind
_OVER = (S.SENT, S.FAILED, S.DROPPED)
_SENT_EVENT = {
    K.NOTICE: "wrapper.delivered",
    K.PASSCODE: "recipient.passcode_sent",
    K.REPLY: "reply.delivered",
    K.RELAY: "message.relayed",
    K.REFUSAL: "refusal.delivered",
}


def send_due(kinds: Collection[str], limit: int = BATCH, *, bulk: bool = False) -> int:
    """Send what is due of these kinds, at most `limit`, of bulk runs or all others; returns how many were taken up.

    Safe to run in any number of processes: a row is leased to one, and a row whose sender died is sent again.
    """
    due = _due(kinds, bulk)
    if not any(queue.exists() for queue in due):
        return 0
    way = transport()
    try:
        # Before any row is claimed: a relay that answers slowly must not use up the leases.
        trouble = _open(way)
        rows: list[Outbound] = []
        for queue in due:
            rows += leases.claim(queue, limit=limit - len(rows)) if len(rows) < limit else []
        for row in rows:
            _send(row, way, trouble)
    finally:
        way.close()
    return len(rows)


def _open(way: Transport) -> Deferred | None:
    try:
        way.open()
    except Deferred as error:
        log.warning("the way out is closed: %s", error.answer)
        return error
    return None


def _due(kinds: Collection[str], bulk: bool) -> list[QuerySet[Outbound]]:
    """What is to be sent, one query for each run of the index, so that none sorts all that waits. A row that is
    SENDING without a lease was left by a sender that died."""
    # `IN`, for Django writes an equal boolean as `NOT bulk`, which SQLite looks up in no index.
    mine = Outbound.objects.filter(bulk__in=(bulk,))
    left = [mine.filter(state=S.SENDING, kind=kind) for kind in kinds]
    return left + [mine.filter(state=S.DUE, kind=kind, due_at__lte=timezone.now()) for kind in kinds]


Outcome = Callable[["Outbound", "Lease"], None]


class Lease:
    """One sender's hold on one row. Every change asks whether it is still held, so a late sender changes nothing."""

    def __init__(self, row: Outbound) -> None:
        self._row = row
        self._seconds: int = settings.LETTERLOCK.lease_seconds
        self._renewed = 0.0

    def begin(self) -> bool:
        """Mark the row as being sent; False when another has it by now."""
        self._renewed = time.monotonic()
        return bool(
            self._held(S.DUE, S.SENDING).update(state=S.SENDING, attempts=F("attempts") + 1, leased_until=self._until())
        )

    def keep(self) -> None:
        """Called all the time while sending; renews in time and raises LeaseLost when that failed."""
        if time.monotonic() - self._renewed < self._seconds / 4:
            return
        if not self._held(S.SENDING).update(leased_until=self._until()):
            raise LeaseLost
        self._renewed = time.monotonic()

    def finish(self, event: str = "", facts: dict[str, str | int | bool] | None = None, **changes: object) -> None:
        """Note how it went and let go of the row; an event is recorded in the same transaction."""
        row = self._row
        if changes.get("state") in _OVER:
            # In the same UPDATE: from the moment it is noted that the mail left, only the mail holds the share.
            changes |= {"share": b"", "door_key": ""}
        with transaction.atomic():
            held = self._held(S.SENDING).update(leased_until=None, leased_by="", **changes)
            if held and event:
                record(event, message=row.message, reader=row.reader_id, **(facts or {}))

    def _held(self, *states: str) -> QuerySet[Outbound]:
        return Outbound.objects.filter(pk=self._row.pk, leased_by=self._row.leased_by, state__in=states)

    def _until(self) -> datetime:
        return timezone.now() + timedelta(seconds=self._seconds)


def _send(row: Outbound, way: Transport, trouble: Deferred | None) -> None:
    lease = Lease(row)
    if lease.begin():
        # The outcome is noted after the attempt: a database that fails then must neither make an accepted mail look
        # as if it had failed, nor drag what a foreign exception says into its own traceback.
        _attempt(row, lease, way, trouble)(row, lease)


def _attempt(row: Outbound, lease: Lease, way: Transport, trouble: Deferred | None) -> Outcome:
    """Write the mail and hand it over; returns what is to be noted. With the way closed that is known already."""
    try:
        if trouble:
            raise trouble
        mail = prepare(row)
        return partial(_sent, answer=way.send(row.id, mail, lease.keep)) if mail else _dropped
    except LeaseLost:
        return _overtaken
    except Refused as error:
        return partial(_failed, answer=error.answer)
    except Deferred as error:
        return partial(_again_or_give_up, answer=error.answer)
    except KeyDestroyed:
        # Withdrawn or closed meanwhile, on purpose: nothing of it may leave any more.
        return partial(_dropped, answer="key destroyed")
    except BlobsUnavailable as error:
        log.warning("mail %s waits: %s", row.id, error)
        return partial(_again, answer="waits for storage", wait=min(_back_off(row), _WAIT_FOR_KEYS))
    except (VaultError, WrapRefused) as error:
        log.error("mail %s cannot be written: %s", row.id, error)
        return partial(_failed, answer="damaged")
    except KeysError as error:
        # Nothing is wrong with the mail: it waits for the keys as long as that takes.
        log.warning("mail %s waits: %s", row.id, error)
        return partial(_again, answer="waits for keys", wait=min(_back_off(row), _WAIT_FOR_KEYS))
    except Exception as error:
        # One poisonous mail must not stop the others. The text of a foreign exception may hold what the mail says.
        log.error("mail %s: %s while sending", row.id, type(error).__name__)
        return partial(_again_or_give_up, answer=type(error).__name__[:100])


def _overtaken(row: Outbound, lease: Lease) -> None:
    log.warning("mail %s was taken over by another worker", row.id)


def _dropped(row: Outbound, lease: Lease, answer: str = "") -> None:
    lease.finish(state=S.DROPPED, last_answer=answer)


def _sent(row: Outbound, lease: Lease, answer: str) -> None:
    facts: dict[str, str | int | bool] = {"answer": answer, "attempt": row.attempts + 1}
    if row.state == S.SENDING or row.last_answer == UNCLEAR:
        facts["maybe_twice"] = True  # a sender died, or the relay went silent, with the mail in its hands
    lease.finish(_SENT_EVENT[K(row.kind)], facts, state=S.SENT, sent_at=timezone.now(), last_answer=answer[:120])


def _failed(row: Outbound, lease: Lease, answer: str) -> None:
    log.error("mail %s (%s) failed for good: %s", row.id, row.kind, answer)
    facts: dict[str, str | int | bool] = {"answer": answer, "mail": row.kind, "attempt": row.attempts + 1}
    lease.finish("wrapper.bounced", facts, state=S.FAILED, last_answer=answer[:120])


def _again_or_give_up(row: Outbound, lease: Lease, answer: str) -> None:
    if timezone.now() - row.made_at > GIVE_UP_AFTER:
        _failed(row, lease, answer)
    else:
        _again(row, lease, answer=answer, wait=_back_off(row))


def _again(row: Outbound, lease: Lease, *, answer: str, wait: timedelta) -> None:
    facts: dict[str, str | int | bool] = {"answer": answer, "mail": row.kind, "attempt": row.attempts + 1}
    # A relay that is away for days says so once a row, not a hundred times.
    event = "wrapper.deferred" if row.last_answer != answer else ""
    lease.finish(event, facts, state=S.DUE, due_at=timezone.now() + wait, last_answer=answer[:120])


def _back_off(row: Outbound) -> timedelta:
    """30 s, doubled each time up to 1 h; uneven, so that a relay coming back is not met by all at once."""
    wait = min(_WAIT_FIRST * (1 << min(row.attempts, 10)), _WAIT_MOST)
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 jitter
