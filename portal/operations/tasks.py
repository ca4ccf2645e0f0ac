"""Housekeeping tasks: signs of life, keys ahead of need, and what has had its time."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.access import alarms, grants, openings
from portal.access import tidying as access_tidying
from portal.audit import checking, sequencing
from portal.celery import CHECK_RECORD, CLOCK_SET_BACK, COUNT, KEY_WORK, QUEUES, SEQUENCE, TELL_OPENINGS, app, ring
from portal.delivery import tidying as delivery_tidying
from portal.directory import parked
from portal.ingest.sweeping import sweep_orphans
from portal.keys.errors import KeysError
from portal.keys.service import keys
from portal.lifecycle import reminding
from portal.operations import (
    broker,
    clock,
    domains,
    heartbeats,
    keywork,
    looking,
    monthly,
    record_keeping,
    retention,
    searches,
    tallying,
    tidying,
)
from portal.operations.preparing import usual_open_days
from portal.rules import counting
from portal.vault import agreement, arriving, parking, rotating, unsent
from portal.writing import approaches

log = logging.getLogger(__name__)


@app.task(name="portal.operations.tasks.pulse", bind=True)
def pulse(self: Any) -> None:
    """Prove that the queue it came through has a worker at work."""
    queue = (self.request.delivery_info or {}).get("routing_key")
    if queue in QUEUES:
        heartbeats.beat(queue)


@app.task(name="portal.operations.tasks.prepare_keys")
def prepare_keys() -> None:
    """Make the keys of the next days, and destroy those that no backup of the database needs any more."""
    agreement.check()
    keys().prepare(datetime.now(UTC).date(), usual_open_days(settings.LETTERLOCK))
    grants.post_whole()
    rotating.retire(timezone.now(), settings.LETTERLOCK.restore_days)


@app.task(name=SEQUENCE)
def sequence() -> None:
    """Add what was recorded to the signed tree; a full batch means that more waits."""
    if record_keeping.sequence() == sequencing.BATCH:
        ring(SEQUENCE)


@app.task(name=CHECK_RECORD, time_limit=checking.SECONDS)
def check_record() -> None:
    """Hold what is recorded against what was signed, once a day and when somebody asks."""
    try:
        found = checking.run(timezone.now(), keys().head_signer().public)
    except KeysError as error:
        log.error("The record is not checked: %s", error)
        return
    if found is not None and found.faults:
        log.critical("The record was changed: %s", found.faults[0])


@app.task(name=COUNT)
def count() -> None:
    """Count for the overview and the reports what was recorded since the last time; a whole batch means that more
    waits."""
    if tallying.run(timezone.now()) >= tallying.BATCH:
        ring(COUNT)


@app.task(name=KEY_WORK)
def key_work() -> None:
    """Go on with what was asked for on the page of keys."""
    keywork.run(timezone.now())


@app.task(name=CLOCK_SET_BACK)
def clock_set_back() -> None:
    """Told by the scheduler."""
    clock.bring_near(timezone.now())


@app.task(name="portal.operations.tasks.sweep_parked")
def sweep_parked() -> None:
    """Remove posted messages, and files of people, that have had their half hour."""
    parking.sweep(timezone.now())
    parked.sweep(timezone.now())


@app.task(name=TELL_OPENINGS)
def tell_openings() -> None:
    """Senders who want one mail a day get it."""
    openings.send(timezone.now())


@app.task(name="portal.operations.tasks.look")
def look() -> None:
    """Examine everything, for the health page."""
    looking.look(settings.LETTERLOCK, timezone.now())


@app.task(name="portal.operations.tasks.tidy")
def tidy() -> None:
    """Remove what has had its time."""
    sweep_orphans()  # first: what it holds names its door key again
    tidying.forget_old_door_keys(datetime.now(UTC).date())
    counting.tidy()
    domains.tidy(timezone.localdate())
    monthly.send(timezone.localdate())
    access_tidying.tidy(timezone.now())
    alarms.end_what_is_over(timezone.now())
    reminding.remind(timezone.now())
    delivery_tidying.tidy(timezone.now())
    unsent.tidy(timezone.now())
    sequencing.thin_heads(timezone.now())
    tidying.tidy_above(timezone.now())
    arriving.tidy(timezone.now())
    approaches.sweep(timezone.now())
    retention.run(timezone.now())
    searches.forget_old()
    url = settings.LETTERLOCK.broker_url
    if url.startswith("filesystem://"):
        broker.remove_leftovers(Path(url.removeprefix("filesystem://")), older_than=time.time() - 600)
