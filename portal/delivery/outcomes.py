"""What is noted of an attempt: the lease that allows it, how it went, what is recorded and when it is tried again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from portal import observing
from portal.audit.record import record
from portal.delivery import lanes, large, refusing, telling
from portal.delivery.ahead import Ahead
from portal.delivery.errors import LeaseLost
from portal.delivery.models import Outbound
from portal.delivery.relay import UNCLEAR

log = logging.getLogger("portal.delivery.sending")

_WAIT_FIRST, _WAIT_MOST = timedelta(seconds=30), timedelta(hours=1)
WAIT_FOR_KEYS = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(days=5)
S, K = Outbound.State, Outbound.Kind
_OVER = (S.SENT, S.FAILED, S.DROPPED)
_SENT_EVENT = {
    K.NOTICE: "wrapper.delivered",
    K.PASSCODE: "recipient.passcode_sent",
    K.REPLY: "reply.delivered",
    K.RELAY: "message.relayed",
    K.TELLING: "sender.told",
    K.REPORT: "sender.told",
    K.REFUSAL: "refusal.delivered",
    K.TIP: "tip.delivered",
    K.INVITATION: "administrator.link_sent",
    K.PASSKEY: "recipient.warned",
    K.KEPT: "recipient.warned",
    K.NOTE: "reply.noted",
    K.ALARM: "administrator.told",
    K.MONTHLY: "reports.mailed",
    K.BRAND_TEST: "brand.test_sent",
    K.REQUEST: "sender.asked",
    K.OPENED: "sender.told_opened",
    K.DIGEST: "sender.told_opened",
    K.DELEGATED: "sender.told_of_delegate",
    K.CORRECTED: "sender.told_corrected",
    K.LARGE: "reply.link_delivered",
    K.MORE_TIME: "sender.asked_more_time",
    K.REOPENED: "recipient.told_reopened",
    K.REMINDER: "recipient.reminded",
    K.WITHDRAWN: "recipient.told_withdrawn",
}
Outcome = Callable[["Outbound", "Lease"], None]


class Lease:
    """One sender's hold on one row. Every change asks whether it is still held, so a late sender changes nothing."""

    def __init__(self, row: Outbound) -> None:
        self._row = row
        self._seconds: int = settings.LETTERLOCK.lease_seconds
        self._renewed = 0.0

    def begin(self) -> bool:
        """Mark the row as being sent; False when another has it by now.

        What was read ahead for it holds in this very moment, or is forgotten.
        """
        self._renewed, row = time.monotonic(), self._row
        begun = {"state": S.SENDING, "attempts": row.attempts + 1, "leased_until": self._until()}
        if isinstance(row.ahead, Ahead):
            if row.ahead.is_young() and self._change((S.DUE, S.SENDING), begun, *row.ahead.holds()):
                return True
            row.ahead = None
        return self._change((S.DUE, S.SENDING), begun)

    def keep(self, ask: Callable[[Callable[[], None]], None]) -> None:
        """Called all the time while sending; renews in time, by `ask`, and raises LeaseLost when that failed."""
        if time.monotonic() - self._renewed >= self._seconds / 4:
            ask(self._renew)

    def _renew(self) -> None:
        if not self._change((S.SENDING,), {"leased_until": self._until()}):
            raise LeaseLost
        self._renewed = time.monotonic()

    def finish(self, event: str = "", facts: dict[str, str | int | bool] | None = None, **changes: object) -> bool:
        """Note how it went and let go of the row; an event is recorded in the same transaction. False when another
        has the row, or this was noted before: nothing changes then."""
        row = self._row
        if changes.get("state") in _OVER:
            # In the same UPDATE: from the moment it is noted that the mail left, only the mail holds the share.
            changes |= {"share": b"", "door_key": ""}
        with transaction.atomic(savepoint=False):
            held = self._change((S.SENDING,), {"leased_until": None, "leased_by": "", **changes})
            if held and event:
                record(event, message=row.message, reader=row.reader_id, **(facts or {}))
            if held and changes.get("state") == S.FAILED:
                telling.failed(row)
                row.state = S.FAILED
            if held and event == "reply.kept":
                large.ask(row)
            if held and event in ("wrapper.bounced", "wrapper.deferred"):
                refusing.note(row, str(changes.get("last_answer", "")))
        if held:
            _counted(row.kind, str(changes.get("state", "")), str(changes.get("last_answer", "")))
        return held

    def _change(
        self, states: Sequence[str], changes: Mapping[str, object], also: str = "", about: Sequence[Any] = ()
    ) -> bool:
        """Change columns of the row if the lease still holds, it is in one of these states, and `also` is true of it.

        In SQL as it stands, for each mail comes by here twice: Django takes three times as long to write it.
        """
        kept: dict[str, Any] = {
            name: _column(name).get_db_prep_save(value, connection) for name, value in changes.items()
        }
        which: list[Any] = [_column("id").get_db_prep_value(self._row.pk, connection), self._row.leased_by, *states]
        query = (
            f"UPDATE delivery_outbound SET {', '.join(f'{name} = %s' for name in kept)} "  # noqa: S608 # own names
            f"WHERE id = %s AND leased_by = %s AND state IN ({', '.join(['%s'] * len(states))}){also}"
        )
        with connection.cursor() as cursor:
            cursor.execute(query, [*kept.values(), *which, *about])
            return bool(cursor.rowcount)

    def _until(self) -> datetime:
        return timezone.now() + timedelta(seconds=self._seconds)


def _column(name: str) -> Any:
    return Outbound._meta.get_field(name)


def _counted(kind: str, state: str, answer: str) -> None:
    """For the metrics: classes of answers only, never a text."""
    outcome = {S.SENT: "sent", S.DUE: "deferred", S.FAILED: "bounced", S.DROPPED: "dropped"}.get(S(state), "other")
    observing.count("letterlock_delivery_outcomes", kind=kind, outcome=outcome)
    if outcome != "dropped":
        code = f"{answer[0]}xx" if answer[:3].isdecimal() else "none"
        observing.count("letterlock_delivery_answers", kind=kind, code=code)


def overtaken(row: Outbound, lease: Lease) -> None:
    log.warning("mail %s was taken over by another worker", row.id)


def dropped(row: Outbound, lease: Lease, answer: str = "") -> None:
    lease.finish(state=S.DROPPED, last_answer=answer)


def sent(row: Outbound, lease: Lease, answer: str, told: bool = True, way: Mapping[str, str] | None = None) -> None:
    """It left, by `way` (portal.delivery.hop.facts). `told` is False when the wish to be told of it could not go with
    it."""
    facts: dict[str, str | int | bool] = {"answer": answer, "attempt": row.attempts + 1, **(way or {})}
    if _may_have_left(row):
        facts["maybe_twice"] = True
    with transaction.atomic(savepoint=False):
        changes = {"state": S.SENT, "sent_at": timezone.now(), "last_answer": answer[:120]}
        if lease.finish(_SENT_EVENT[K(row.kind)], facts, **changes) and not told:
            telling.relayed(row)
    lanes.went_well(row.lane, answer)


def _may_have_left(row: Outbound) -> bool:
    """Whether a sender died, or the relay went silent, with the mail in its hands."""
    return row.maybe_twice or row.state == S.SENDING or row.last_answer == UNCLEAR


def failed(row: Outbound, lease: Lease, answer: str) -> None:
    if large.stays_here(row, answer):
        lease.finish("reply.kept", {"answer": answer}, state=S.DROPPED, last_answer=answer[:120])
        return
    log.error("mail %s (%s) failed for good: %s", row.id, row.kind, answer)
    facts: dict[str, str | int | bool] = {"answer": answer, "mail": row.kind, "attempt": row.attempts + 1}
    lease.finish("wrapper.bounced", facts, state=S.FAILED, last_answer=answer[:120])


def again_or_give_up(row: Outbound, lease: Lease, answer: str) -> None:
    if timezone.now() - row.made_at > GIVE_UP_AFTER:
        failed(row, lease, answer)
    else:
        again(row, lease, answer=answer, wait=back_off(row))


def again(row: Outbound, lease: Lease, *, answer: str, wait: timedelta) -> None:
    facts: dict[str, str | int | bool] = {"answer": answer, "mail": row.kind, "attempt": row.attempts + 1}
    # A relay that is away for days says so once a row, not a hundred times.
    event = "wrapper.deferred" if row.last_answer != answer else ""
    lease.finish(
        event,
        facts,
        state=S.DUE,
        due_at=timezone.now() + wait,
        last_answer=answer[:120],
        # Kept over every try that follows, or a busy server in between would wash the mark off.
        maybe_twice=_may_have_left(row) or answer == UNCLEAR,
    )


def back_off(row: Outbound) -> timedelta:
    """30 s, doubled each time up to 1 h; uneven, so that a relay coming back is not met by all at once."""
    wait = min(_WAIT_FIRST * (1 << min(row.attempts, 10)), _WAIT_MOST)
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 jitter
