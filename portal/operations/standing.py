"""How things stand: mails by state, lateness of queues, disk, certificates, keys; cheap at any size of the database.

Each figure is one look-up in an index that ends after a fixed number of entries: numbers stop at MOST, ages are exact.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from portal.configuration import Configuration
from portal.delivery.models import Outbound
from portal.delivery.tasks import MAIL
from portal.ingest.models import Spooled
from portal.keys.errors import KeysError
from portal.keys.service import AHEAD_DAYS, keys
from portal.operations import certificates, heartbeats
from portal.operations.release import VERSION
from portal.vault.models import Message

log = logging.getLogger(__name__)

MOST = 100_000
SAMPLE = 1_000
"""Entries of a queue that are looked at for the oldest mail, longest due first."""
CACHE_SECONDS = 15.0
CERTIFICATE_SECONDS = 600.0
QUEUES = ("passcode", "notice", "seal", "bulk")
_WAITING = (Spooled.State.RECEIVED, Spooled.State.SEALED, Spooled.State.RELAYING)
_LEAVING = (Outbound.State.DUE, Outbound.State.SENDING, Outbound.State.FAILED)
S = Spooled.State

GAUGES = {
    "letterlock_mails": "Accepted mails that are not done, by state; 100000 means at least that many.",
    "letterlock_outbound": "Mails to be sent or refused for good, by kind and state; 100000 means at least that many.",
    "letterlock_queue_late_seconds": "How long ago the next piece of work of a queue was due; 0 when none is.",
    "letterlock_queue_oldest_seconds": "Age of the oldest mail in a queue, of the 1000 longest due.",
    "letterlock_database_up": "Whether the database answered.",
    "letterlock_disk_free_bytes": "Free space under the data folder.",
    "letterlock_disk_size_bytes": "Size of the disk under the data folder.",
    "letterlock_certificate_days": "Days until the certificate ends, of the pages and of the door's STARTTLS.",
    "letterlock_keys_ahead_days": "Days after today whose door key is made already.",
    "letterlock_workers_late": "Queues whose worker was not heard of for 30 s.",
    "letterlock_build_info": "The version that runs.",
}

_lock = threading.Lock()
_kept: tuple[float, list[Metric]] | None = None
_days: tuple[float, dict[str, float]] | None = None


def collect(configuration: Configuration) -> list[Metric]:
    """All figures, at most CACHE_SECONDS old."""
    global _kept
    with _lock:
        if _kept is None or time.monotonic() > _kept[0]:
            _kept = (time.monotonic() + CACHE_SECONDS, collect_now(configuration))
        return _kept[1]


def collect_now(configuration: Configuration) -> list[Metric]:
    """The same, asked afresh. What cannot be asked is left out, and the page is served all the same."""
    found: list[Metric] = [_gauge("letterlock_database_up", [], [((), 1.0 if _answers() else 0.0)])]
    questions: tuple[Callable[[], Iterator[Metric]], ...] = (
        _mails, _queues, _workers, lambda: _disk(configuration), lambda: _certificates(configuration), _keys, _build,
    )  # fmt: skip
    for question in questions:
        try:
            found += question()
        except Exception as error:
            log.warning("Some figures cannot be had now: %s.", type(error).__name__)
    connections.close_all()  # this thread ends with its asker
    return found


def number(rows: QuerySet[Spooled] | QuerySet[Outbound] | QuerySet[Message], most: int = MOST) -> int:
    """How many rows there are; stops counting at `most`."""
    # A column of the index: the key would be looked up in the table, entry by entry.
    return rows.order_by().values("state")[:most].count()


def lateness(now: datetime) -> dict[str, tuple[float, float]]:
    """For each queue: seconds since its next work was due, and the age in seconds of the oldest mail seen."""
    found = {}
    for queue, waiting in _queue_rows().items():
        due = [rows.order_by("due_at").values_list("due_at", flat=True).first() for rows, _ in waiting]
        oldest = [_oldest(rows, made) for rows, made in waiting]
        found[queue] = (_age(now, _first(due)), _age(now, _first(oldest)))
    closing = Message.objects.filter(destroyed_at=None, held_at=None, destroy_after__lte=now)
    ended = _age(now, closing.order_by("destroy_after").values_list("destroy_after", flat=True).first())
    found["bulk"] = (max(found["bulk"][0], ended), max(found["bulk"][1], ended))
    return found


def _queue_rows() -> dict[str, list[tuple[QuerySet[Any], str]]]:
    """Queries, and the column that says when a row was made: one for each entry of an index that ends in the due date,
    so that none has to sort. `IN`, for Django writes an equal boolean as `NOT bulk`, which is looked up in no index."""
    due = Outbound.objects.filter(state=Outbound.State.DUE)

    def seal(bulk: bool) -> list[tuple[QuerySet[Any], str]]:
        return [(Spooled.objects.filter(bulk__in=(bulk,), state=state), "received_at") for state in _WAITING]

    def send(bulk: bool) -> list[tuple[QuerySet[Any], str]]:
        return [(due.filter(bulk__in=(bulk,), kind=kind), "made_at") for kind in MAIL]

    return {
        "passcode": [(due.filter(kind=Outbound.Kind.PASSCODE), "made_at")],
        "notice": send(bulk=False),
        "seal": seal(bulk=False),
        "bulk": seal(bulk=True) + send(bulk=True),
    }


def _oldest(rows: QuerySet[Any], made: str) -> datetime | None:
    moments = rows.order_by("due_at").values_list(made, flat=True)[:SAMPLE]
    return min(moments, default=None)


def _first(moments: list[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)


def _age(now: datetime, moment: datetime | None) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0


def _answers() -> bool:
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        return False
    return True


def _mails() -> Iterator[Metric]:
    states = [*_WAITING, S.HELD]
    yield _gauge("letterlock_mails", ["state"], [((s,), number(Spooled.objects.filter(state=s))) for s in states])
    rows = [
        ((kind, state), number(Outbound.objects.filter(state=state, kind=kind)))
        for kind in Outbound.Kind.values
        for state in _LEAVING
    ]
    yield _gauge("letterlock_outbound", ["kind", "state"], rows)


def _queues() -> Iterator[Metric]:
    found = lateness(timezone.now())
    yield _gauge("letterlock_queue_late_seconds", ["queue"], [((queue,), late) for queue, (late, _) in found.items()])
    yield _gauge("letterlock_queue_oldest_seconds", ["queue"], [((queue,), age) for queue, (_, age) in found.items()])


def _workers() -> Iterator[Metric]:
    yield _gauge("letterlock_workers_late", [], [((), len(heartbeats.late()))])


def _disk(configuration: Configuration) -> Iterator[Metric]:
    usage = shutil.disk_usage(configuration.data)
    yield _gauge("letterlock_disk_free_bytes", [], [((), usage.free)])
    yield _gauge("letterlock_disk_size_bytes", [], [((), usage.total)])


def _certificates(configuration: Configuration) -> Iterator[Metric]:
    global _days
    if _days is None or time.monotonic() > _days[0]:
        _days = (time.monotonic() + CERTIFICATE_SECONDS, certificates.days_left(configuration, timezone.now()))
    if _days[1]:
        yield _gauge("letterlock_certificate_days", ["of"], [((of,), days) for of, days in _days[1].items()])


def _keys() -> Iterator[Metric]:
    yield _gauge("letterlock_keys_ahead_days", [], [((), keys_ahead(datetime.now(UTC)))])


def keys_ahead(now: datetime) -> int:
    """Days after today, in a row, whose door key is published; needs no root key. -1 without today's own."""
    for days in range(AHEAD_DAYS + 1):
        try:
            keys().door_public((now + timedelta(days=days)).date())
        except KeysError:
            return days - 1
    return AHEAD_DAYS


def _build() -> Iterator[Metric]:
    yield InfoMetricFamily("letterlock_build", GAUGES["letterlock_build_info"], value={"version": VERSION})


def _gauge(name: str, labels: list[str], rows: Sequence[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(name, GAUGES[name], labels=labels)
    for values, figure in rows:
        family.add_metric(list(values), figure)
    return family
