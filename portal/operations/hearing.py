"""A worker that no longer hears its broker ends itself, so that its supervisor starts one that does.

Seen with Redis killed just when a task's end was told to it: Celery logs "Couldn't ack", forgets the connection that it
listened on, and waits for ever beside a queue that fills.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from celery.worker import state

from portal.celery import app

LOOK_SECONDS = 5.0
DEAF_LOOKS = 3
"""So many looks in a row at which wake-ups wait, while nothing was taken since the first and nothing is at work."""
EXIT_STATUS = 75
"""EX_TEMPFAIL of sysexits(3): try again."""
log = logging.getLogger("letterlock.worker")


class Hearing:
    """What was seen of one worker so far."""

    def __init__(self, queues: Sequence[str]) -> None:
        self._queues = queues
        self._deaf = 0
        self._taken = -1

    def is_lost(self) -> bool:
        """Look once more; whether this worker has been deaf for long enough to be sure."""
        taken = state.all_total_count[0]
        idle = taken == self._taken and not state.active_requests and not state.reserved_requests
        self._deaf = self._deaf + 1 if idle and waiting(self._queues) else 0
        self._taken = taken
        return self._deaf >= DEAF_LOOKS


def watch(queues: Sequence[str]) -> None:
    """Look every few seconds, in a thread of the worker's first process."""
    threading.Thread(target=_watch, args=(Hearing(queues),), name="hearing", daemon=True).start()


def waiting(queues: Sequence[str]) -> int:
    """Wake-ups in these queues, asked over a connection of its own; 0 when the broker is away: nothing can be heard."""
    count = 0
    # Whatever a broker's client may raise. Redis knows no empty queue, and RabbitMQ ends a channel for an unknown one.
    with suppress(Exception), app.connection_for_read() as connection:
        for queue in queues:
            channel: Any = connection.channel()  # kombu's own types know less than its channels do
            with suppress(*connection.channel_errors), channel:
                count += channel.queue_declare(queue=queue, passive=True).message_count
    return count


def _watch(hearing: Hearing) -> None:
    while not hearing.is_lost():
        time.sleep(LOOK_SECONDS)
    log.error("Wake-ups wait and none is heard: this worker ends, to be started again.")
    logging.shutdown()
    # Not in order: what would have to end is what hangs. Its mail is taken over when the leases end.
    os._exit(EXIT_STATUS)
