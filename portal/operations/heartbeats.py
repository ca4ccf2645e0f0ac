"""Signs of life: each queue's worker writes when it last worked, the health page reads it."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from portal.celery import PULSE_SECONDS, QUEUES
from portal.operations.models import Heartbeat

YOUNG_SECONDS = 30
LONGEST_TASK_SECONDS = 900
"""A task at work longer than this is stuck, and its worker no longer counts as well."""

_at_work: tuple[str, float] | None = None
_watching = threading.Lock()


def beat(queue: str) -> None:
    """Say that the worker of a queue works now."""
    Heartbeat.objects.update_or_create(name=f"worker-{queue}", defaults={"at": timezone.now()})


def late() -> list[str]:
    """The queues whose workers have not been heard of for 30 s."""
    oldest = timezone.now() - timedelta(seconds=YOUNG_SECONDS)
    heard = set(Heartbeat.objects.filter(at__gte=oldest).values_list("name", flat=True))
    return [queue for queue in QUEUES if f"worker-{queue}" not in heard]


def forget() -> None:
    """Before a start: what an earlier run said is no sign of life of this one."""
    Heartbeat.objects.all().delete()


def task_began(queue: str) -> None:
    """A pool at a bulk run is busy for minutes and takes no pulse: while a task runs, a thread speaks for it."""
    global _at_work
    _at_work = (queue, time.monotonic())
    if _watching.acquire(blocking=False):
        threading.Thread(target=_speak_while_at_work, name="heartbeat", daemon=True).start()


def task_ended() -> None:
    global _at_work
    _at_work = None


def _speak_while_at_work() -> None:
    while True:
        time.sleep(PULSE_SECONDS)
        now_at_work = _at_work
        if now_at_work is None:
            continue
        queue, since = now_at_work
        worked = time.monotonic() - since
        if not PULSE_SECONDS / 2 < worked < LONGEST_TASK_SECONDS:
            continue
        try:
            beat(queue)
        except Exception:  # noqa: S112 # a database that is away is the health page's to say, by the missing beat
            continue
        finally:
            connection.close()
