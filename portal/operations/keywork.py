"""Runs over all wraps that are asked for on the page of keys: in pieces, with progress and pause, safe to run twice."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from portal.audit.record import record
from portal.celery import KEY_WORK, ring
from portal.keys.errors import KeysError
from portal.operations.models import KeyWork
from portal.vault import rotating, verifying
from portal.vault.errors import VaultError

log = logging.getLogger(__name__)
Kind = KeyWork.Kind
PIECE_SECONDS = 200.0
"""Then another task goes on: no task may run longer than portal.celery.TASK_SECONDS."""
LEASE = timedelta(seconds=300)
SAMPLE = 20_000
"""So many wraps a verification opens at most, by chance. All of them: manage.py keys verify."""


class _Enough(Exception):
    """This piece is over: its time is up, or somebody asked for a pause."""


def supersede(by: str) -> int:
    """Make new epoch keys, which new messages use at once; what is sealed stays as it is. Returns how many.

    Nothing happens while an earlier rotation is unfinished: 0. Key errors when the keys are away.
    """
    if rotating.unfinished():
        rotating.make()
        return 0
    epochs = rotating.used_epochs()
    if epochs:
        rotating.begin(epochs, timezone.now())
        rotating.make()
        record("keys.work_asked", work="supersede", by=by)
    return len(epochs)


def ask(kind: Kind, by: str) -> None:
    """Have it done soon; of one kind there is one at a time."""
    total = rotating.outstanding().count() if kind == Kind.MOVE else min(SAMPLE, verifying.living().count())
    try:
        with transaction.atomic():
            KeyWork.objects.create(kind=kind, asked_at=timezone.now(), total=total)
            record("keys.work_asked", work=kind.value, by=by)
    except IntegrityError:
        return
    ring(KEY_WORK)


def pause(kind: Kind, by: str, *, on: bool) -> None:
    """Stop after the present batch, or go on."""
    with transaction.atomic():
        if KeyWork.objects.filter(kind=kind, done=False, paused=not on).update(paused=on):
            record("keys.work_paused", work=kind.value, on=on, by=by)
            if not on:
                ring(KEY_WORK)


def run(now: datetime) -> None:
    """Do a piece of each kind that waits. What fails for lack of keys is tried again with the next wake-up."""
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    for work in KeyWork.objects.filter(free, done=False, paused=False):
        # The condition is the lock: of two that run at once, one goes on.
        if KeyWork.objects.filter(free, pk=work.pk, done=False, paused=False).update(leased_until=now + LEASE):
            try:
                (_move if work.kind == Kind.MOVE else _verify)(work)
            except _Enough:
                ring(KEY_WORK)
            except (KeysError, VaultError) as error:
                log.error("work on keys waits: %s", error)
            finally:
                KeyWork.objects.filter(pk=work.pk).update(leased_until=None)


def _move(work: KeyWork) -> None:
    epochs = rotating.unfinished()
    rotating.make()
    moved = rotating.move(_step(work, time.monotonic() + PIECE_SECONDS))
    with transaction.atomic():
        _end(work, {"damaged": moved.damaged} if moved.damaged else {})
        rotating.finish(epochs, moved)


def _verify(work: KeyWork) -> None:
    KeyWork.objects.filter(pk=work.pk).update(looked_at=0)  # what it found before it was broken off is gone
    found = verifying.verify(_step(work, math.inf), SAMPLE)
    with transaction.atomic():
        _end(work, dict(found.troubles))
        record("keys.verified", opened=found.opened, troubles=found.troubles.total())


def _step(work: KeyWork, until: float) -> Callable[[int], None]:
    def step(looked_at: int) -> None:
        row = KeyWork.objects.filter(pk=work.pk)
        row.update(looked_at=F("looked_at") + looked_at)
        if time.monotonic() > until or row.filter(paused=True).exists():
            raise _Enough

    return step


def _end(work: KeyWork, troubles: dict[str, int]) -> None:
    KeyWork.objects.filter(pk=work.pk).update(done=True, ended_at=timezone.now(), troubles=troubles)
