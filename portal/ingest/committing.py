"""Group commit: mails of many sessions made durable together, in a thread beside the door's loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from asyncio import Future
from contextlib import suppress
from queue import SimpleQueue
from uuid import UUID

from django.db import close_old_connections, connection

from portal.celery import PROCESS, ring
from portal.ingest.errors import SpoolUnavailable
from portal.ingest.hands import Hands
from portal.ingest.spool import SpoolWriter, commit_all

log = logging.getLogger(__name__)

BATCH = 256
CROWD, GATHER_SECONDS = 8, 0.006
"""With so many sessions a batch waits so long for all of them: one transaction and one fsync of the folder then serve
several mails (as PostgreSQL's commit_siblings and commit_delay do)."""
RING_SECONDS, BUSY_SECONDS = 0.02, 0.1
_Submitted = tuple[SpoolWriter, Future[UUID]]


class Committer:
    """Takes finished mails of one loop and tells it their outcome. While one batch is written the next one gathers, in
    the loop: each turn of its thread costs the loop one as well."""

    def __init__(self) -> None:
        self._batches: SimpleQueue[list[_Submitted] | None] = SimpleQueue()
        self._gathered: list[_Submitted] = []
        self._giving = threading.Lock()
        self._sessions = 1
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._hands = Hands()
        self._bell = _Bell()
        self._thread = threading.Thread(target=self._run, name="committer")
        self._thread.start()

    def submit(self, writer: SpoolWriter, sessions: int = 1) -> Future[UUID]:
        """The future's exception is SpoolUnavailable; then nothing of the mail is kept. `sessions` are there now.

        Call it in the loop. Who breaks off stops waiting; a mail that was handed over can be cancelled no more.
        """
        future: Future[UUID] = asyncio.get_running_loop().create_future()
        self._gathered.append((writer, future))
        self._sessions = sessions
        self._consider()
        return future

    def close(self) -> None:
        """Commit what was submitted, ring once more, end the threads. Another thread than the loop's may call it."""
        if batch := self._taken():
            self._batches.put(batch)
        self._batches.put(None)
        self._thread.join()
        self._hands.close()
        self._bell.close()

    def _consider(self) -> None:
        """Whether the batch that gathers is handed over now, soon, or when the one before it is written."""
        if self._busy or not self._gathered:
            return
        if self._sessions < CROWD or len(self._gathered) >= min(self._sessions, BATCH):
            self._give()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._give)

    def _give(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if batch := self._taken():
            self._busy = True
            self._batches.put(batch)

    def _taken(self) -> list[_Submitted]:
        with self._giving:
            batch, self._gathered = self._gathered, []
        return batch

    def _run(self) -> None:
        while (gathered := self._batches.get()) is not None:
            for start in range(0, len(gathered), BATCH):
                self._commit(gathered[start : start + BATCH], last=start + BATCH >= len(gathered))
        connection.close()

    def _commit(self, batch: list[_Submitted], *, last: bool) -> None:
        writers = [writer for writer, _ in batch]
        outcomes: list[UUID | SpoolUnavailable]
        try:
            close_old_connections()
            outcomes = commit_all(writers, self._hands.map)
        except Exception as error:
            # Whatever it is, no session may wait for ever, and the text may hold what must not be logged.
            log.error("a batch of mail was not committed: %s", type(error).__name__)
            outcomes = [SpoolUnavailable("the spool failed")] * len(batch)
        told = [(future, outcome) for (_, future), outcome in zip(batch, outcomes, strict=True)]
        with suppress(RuntimeError):  # the loop has ended, and with it who waited
            told[0][0].get_loop().call_soon_threadsafe(self._tell, told, last)
        if not all(isinstance(outcome, SpoolUnavailable) for outcome in outcomes):
            self._bell.ring()

    def _tell(self, told: list[tuple[Future[UUID], UUID | SpoolUnavailable]], last: bool) -> None:
        for future, outcome in told:
            if future.done():
                continue
            if isinstance(outcome, SpoolUnavailable):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        if last:
            self._busy = False
            self._consider()


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
