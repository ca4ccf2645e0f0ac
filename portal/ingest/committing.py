"""Group commit: mails of many sessions made durable together, in a thread beside the door's loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from asyncio import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from uuid import UUID

from django.db import close_old_connections, connection

from portal.celery import PROCESS, ring
from portal.ingest.errors import SpoolUnavailable
from portal.ingest.hands import Hands
from portal.ingest.spool import SpoolWriter, commit_all

log = logging.getLogger(__name__)

BATCH = 256
CROWD, GATHER_SECONDS = 8, 0.002
"""With so many sessions a batch waits for so long: one transaction and one fsync of the folder then serve several mails
(as PostgreSQL's commit_siblings and commit_delay do)."""
RING_SECONDS, BUSY_SECONDS = 0.02, 0.1
_Submitted = tuple[SpoolWriter, Future[UUID], bool]


class Committer:
    """Takes finished mails of one loop and tells it their outcome. While one batch is written the next one gathers."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[_Submitted | None] = SimpleQueue()
        self._hands = Hands()
        self._bell = _Bell()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="committer")
        self._thread.start()

    def submit(self, writer: SpoolWriter, sessions: int = 1) -> Future[UUID]:
        """The future's exception is SpoolUnavailable; then nothing of the mail is kept. `sessions` are there now.

        Call it in the loop. Who breaks off stops waiting; a mail that was handed over can be cancelled no more.
        """
        future: Future[UUID] = asyncio.get_running_loop().create_future()
        self._queue.put((writer, future, sessions >= CROWD))
        return future

    def close(self) -> None:
        """Commit what was submitted, ring once more, end the threads."""
        self._closing = True
        self._queue.put(None)
        self._thread.join()
        self._hands.close()
        self._bell.close()

    def _run(self) -> None:
        while not (self._closing and self._queue.empty()):
            if batch := self._gather():
                self._commit(batch)
        connection.close()

    def _gather(self) -> list[_Submitted]:
        """Wait for one mail, then take all that wait by now."""
        taken = [self._queue.get()]
        if taken[0] is not None and taken[0][2]:
            time.sleep(GATHER_SECONDS)
        with suppress(Empty):
            while len(taken) < BATCH:
                taken.append(self._queue.get_nowait())
        return [submitted for submitted in taken if submitted is not None]

    def _commit(self, batch: list[_Submitted]) -> None:
        close_old_connections()
        writers = [writer for writer, _, _ in batch]
        outcomes: list[UUID | SpoolUnavailable]
        try:
            outcomes = commit_all(writers, self._hands.map)
        except Exception as error:
            # Whatever it is, no session may wait for ever, and the text may hold what must not be logged.
            log.error("a batch of mail was not committed: %s", type(error).__name__)
            outcomes = [SpoolUnavailable("the spool failed")] * len(batch)
        told = [(future, outcome) for (_, future, _), outcome in zip(batch, outcomes, strict=True)]
        with suppress(RuntimeError):  # the loop has ended, and with it who waited
            told[0][0].get_loop().call_soon_threadsafe(_tell, told)
        if not all(isinstance(outcome, SpoolUnavailable) for outcome in outcomes):
            self._bell.ring()


def _tell(told: list[tuple[Future[UUID], UUID | SpoolUnavailable]]) -> None:
    for future, outcome in told:
        if future.done():
            continue
        if isinstance(outcome, SpoolUnavailable):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


class _Bell:
    """Wakes the pipeline at most every 20 ms, and every 100 ms while mail keeps coming, for a worker that is awake sees
    all of it. In a thread of its own: a dead broker may take a second to say so."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        self._asked.set()

    def close(self) -> None:
        self._closing = True
        self._asked.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        pause = RING_SECONDS
        while True:
            pause = min(2 * pause, BUSY_SECONDS) if self._asked.is_set() else RING_SECONDS
            self._asked.wait()
            self._asked.clear()
            last = self._closing
            ring(PROCESS)
            close_old_connections()
            if last:
                break
            time.sleep(pause)
        connection.close()
