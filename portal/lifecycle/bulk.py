"""One action over many messages: counted, confirmed by its number, carried out in the background, undone as a whole.

The set is fixed when it is confirmed. Each message and the note of it are one transaction, so a run may be interrupted
anywhere, taken up by another worker, and finds what it did done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from portal import leases
from portal.audit.record import record
from portal.celery import LIFECYCLE_RUNS, ring
from portal.delivery.models import Outbound
from portal.ids import new_id
from portal.keys.errors import KeysError
from portal.lifecycle import changing, choosing, withdrawing
from portal.lifecycle.actors import Actor, Who, Why
from portal.lifecycle.choosing import Choice
from portal.lifecycle.errors import (
    AlreadyDestroyed,
    LifecycleError,
    NoneFound,
    RunOver,
    TooMany,
    UnknownMessage,
    WrongNumber,
)
from portal.lifecycle.models import Run, RunItem
from portal.lifecycle.rows import locked
from portal.vault import destroying
from portal.vault.errors import VaultError
from portal.vault.models import Message, Reader

MOST = 100_000
BATCH = 100
"""Messages between two looks at whether the run is still this worker's, and still wanted."""
SECONDS = 60.0
"""After which a worker lets others have their turn."""
LONGEST = timedelta(days=1)
"""If no run ever ends, the keys of what it withdrew die after this; else when its time to undo is over."""
FORGOTTEN = timedelta(days=1)
"""What was counted and never confirmed is removed then."""
log = logging.getLogger(__name__)
S, Outcome = Run.State, RunItem.Outcome


@dataclass(frozen=True)
class Counted:
    """What a run would be about."""

    messages: int
    opened: int
    held: int
    recipients: int


def ask(action: str, choice: Choice, by: Actor) -> Run:
    """Keep what is asked for, sealed, to be counted and confirmed. Raises NothingChosen, BadReaderAddress."""
    choosing.check(choice)
    id_, now = new_id(), timezone.now()
    return Run.objects.create(
        id=id_, action=action, chosen=choice.seal(id_), who=by.who, by=by.row, asked_at=now, due_at=now
    )


def choice_of(run: Run) -> Choice:
    """What was asked for; key errors."""
    return choosing.opened(run.id, bytes(run.chosen))


def count(run: Run) -> Counted:
    """How many messages it would be about now."""
    found = choosing.messages(choice_of(run), run.asked_at).order_by()
    told = Reader.objects.filter(message__in=found.values("pk"), role=Reader.Role.RECIPIENT)
    return Counted(
        found.count(), found.filter(choosing.was_opened()).count(), found.exclude(held_at=None).count(), told.count()
    )


def confirm(
    run: Run, number: int, by: Actor, why: Why, *, tell: bool | None = None, until: datetime | None = None
) -> None:
    """Fix the set, and let it be carried out. `number` is how many messages whoever confirms it has seen.

    Raises RunOver, NoneFound, TooMany, WrongNumber; key errors. Nothing has changed then.
    """
    found = choosing.messages(choice_of(run), run.asked_at)
    with transaction.atomic():
        row = Run.objects.select_for_update().get(pk=run.pk)
        if row.state != S.ASKED:
            raise RunOver
        ids = list(found.values_list("pk", flat=True)[: MOST + 1])
        _check_number(ids, number)
        RunItem.objects.bulk_create((RunItem(run=row, message=id_) for id_ in ids), batch_size=1000)
        row.state, row.total, row.reason, row.tell, row.until = S.RUNNING, len(ids), why.value, tell, until
        row.who, row.by, row.confirmed_at, row.due_at = by.who, by.row, timezone.now(), timezone.now()
        row.save()
        record("bulk.confirmed", run=str(row.id), action=row.action, messages=row.total, **by.facts(why))
        ring(LIFECYCLE_RUNS)
    run.refresh_from_db()


def check_number(run: Run, number: int) -> None:
    """What confirm() would say of the number, before anything else is right. Raises as it does."""
    found = choosing.messages(choice_of(run), run.asked_at).values_list("pk", flat=True)
    _check_number(list(found[: MOST + 1]), number)


def undo(run: Run, by: Actor) -> None:
    """Take it all back: what is done, and what has not had its turn. Raises RunOver."""
    with transaction.atomic():
        row = Run.objects.select_for_update().get(pk=run.pk)
        running = row.state == S.RUNNING
        if not running and not (row.state == S.DONE and row.undo_until and row.undo_until > timezone.now()):
            raise RunOver
        row.state, row.due_at = S.UNDOING, timezone.now()
        row.save(update_fields=["state", "due_at"])
        record("bulk.undo_asked", run=str(row.id), **by.facts())
        ring(LIFECYCLE_RUNS)
    run.refresh_from_db()


def outcomes(run: Run) -> dict[str, int]:
    """How many messages of it ended how; WAITING is ""."""
    found = run.items.order_by().values_list("outcome").annotate(number=Count("pk"))
    return dict(found)


def _check_number(ids: Sequence[UUID], number: int) -> None:
    if not ids:
        raise NoneFound
    if len(ids) > MOST:
        raise TooMany
    if len(ids) != number:
        raise WrongNumber


def carry_out(*, seconds: float = SECONDS, only: Run | None = None) -> bool:
    """Work at runs that wait, for some time; whether more waits. Safe in several processes and to be interrupted."""
    end = time.monotonic() + seconds
    due = Run.objects.filter(state__in=(S.RUNNING, S.UNDOING), due_at__lte=timezone.now())
    if only is not None:
        due = due.filter(pk=only.pk)
    while time.monotonic() < end:
        claimed = leases.claim(due, limit=1)
        if not claimed:
            return False
        _work(claimed[0], end)
        leases.give_back(claimed)
    return due.exists()


def tidy(now: datetime) -> int:
    """Remove what was counted and never confirmed; how many."""
    return Run.objects.filter(state=S.ASKED, asked_at__lt=now - FORGOTTEN).delete()[0]


def _work(run: Run, end: float) -> None:
    while time.monotonic() < end and leases.renew(run):
        run.refresh_from_db(fields=["state"])
        if run.state == S.UNDOING:
            run.items.filter(outcome=Outcome.WAITING).update(outcome=Outcome.SKIPPED)
            items, do = run.items.filter(outcome__in=(Outcome.DONE, Outcome.HELD)), _undo_one
        elif run.state == S.RUNNING:
            items, do = run.items.filter(outcome=Outcome.WAITING), _do_one
        else:
            return
        if not _batch(run, items, do):
            _finish(run)
            return


def _batch(run: Run, items: QuerySet[RunItem], do: Callable[[Run, RunItem], str]) -> bool:
    """Some of them, in the order of their ids, which is everybody's; whether there were any."""
    some = list(items.order_by("message")[:BATCH])
    for item in some:
        with transaction.atomic():
            # Asked again under the lock: pressing undo, or another worker, may have been quicker.
            still = RunItem.objects.select_for_update().get(pk=item.pk)
            if still.outcome == item.outcome:
                still.outcome = do(run, still)
                still.save(update_fields=["outcome", "at", "was"])
    return bool(some)


def _do_one(run: Run, item: RunItem) -> str:
    try:
        with transaction.atomic():
            return _date(run, item) if run.action == Run.Action.DATE else _withdraw(run, item)
    except (AlreadyDestroyed, UnknownMessage):
        return Outcome.GONE
    except LifecycleError:
        return Outcome.ALREADY
    except (KeysError, VaultError) as error:
        log.error("a run leaves out message %s: %s", item.message, type(error).__name__)
        return Outcome.FAILED


def _withdraw(run: Run, item: RunItem) -> str:
    already, why = locked(item.message).state == Message.State.WITHDRAWN, Why(run.reason)
    due = timezone.now() + LONGEST
    outcome = withdrawing.withdraw(item.message, str(why.label), by=_actor(run), why=why, tell=run.tell, due=due)
    if already:
        return Outcome.ALREADY
    item.at = Message.objects.values_list("withdrawn_at", flat=True).get(pk=item.message)
    return Outcome.HELD if outcome.held else Outcome.DONE


def _date(run: Run, item: RunItem) -> str:
    item.was = locked(item.message).open_until
    if item.was == run.until:
        return Outcome.ALREADY
    changing.change_date(item.message, run.until, by=_actor(run), why=Why(run.reason))
    return Outcome.DONE


def _undo_one(run: Run, item: RunItem) -> str:
    try:
        with transaction.atomic():
            row = locked(item.message)
            if run.action == Run.Action.DATE:
                if row.open_until != run.until:
                    return Outcome.KEPT
                changing.change_date(item.message, item.was, by=_actor(run))
            elif row.withdrawn_at != item.at:
                return Outcome.KEPT
            else:
                withdrawing.undo(item.message, by=_actor(run))
    except (LifecycleError, KeysError, VaultError):
        return Outcome.KEPT
    return Outcome.UNDONE


def _finish(run: Run) -> None:
    """Say how it ended. From now on it is everybody's time to undo: no key of the run dies before that is over."""
    now = timezone.now()
    with transaction.atomic():
        row = Run.objects.select_for_update().get(pk=run.pk)
        if row.state != run.state:  # undo was pressed at the last moment: the next round sees to it
            return
        done = outcomes(row)
        if row.state == S.RUNNING:
            row.state, row.undo_until = S.DONE, now + destroying.grace()
            _let_die(row)
        else:
            row.state, row.undo_until = S.UNDONE, None
        row.finished_at = now
        row.save(update_fields=["state", "finished_at", "undo_until"])
        facts: dict[str, Any] = {name or "waiting": number for name, number in sorted(done.items())}
        record("bulk.finished", run=str(row.id), state=row.state, who=row.who, by=row.by, **facts)


def _let_die(run: Run) -> None:
    if run.action != Run.Action.WITHDRAW:
        return
    withdrawn = run.items.filter(outcome__in=(Outcome.DONE, Outcome.HELD)).values("message")
    Message.objects.filter(pk__in=withdrawn, state=Message.State.WITHDRAWN, destroying_at=None).update(
        destroy_after=run.undo_until
    )
    Outbound.objects.filter(kind=Outbound.Kind.WITHDRAWN, state=Outbound.State.DUE, message__in=withdrawn).update(
        due_at=run.undo_until
    )


def _actor(run: Run) -> Actor:
    return Actor(Who(run.who), run.by)
