"""A scheduler that notices when the clock is set back: else it would ring for nothing until that time comes again."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery import beat

from portal.celery import CLOCK_SET_BACK, ONCE_MORE, queue_of

NOTICED_SECONDS = 2.0
"""NTP moves a running clock by less; what it steps, an operator or a resumed machine does."""
log = logging.getLogger("letterlock.beat")


class Scheduler(beat.Scheduler):
    """Celery's, in memory."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._offset = _offset()
        self._owed = False
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> float:
        """Ring for what is due; seconds until it wants to be asked again."""
        offset = _offset()
        if offset < self._offset - NOTICED_SECONDS:
            log.warning("The clock was set back by %d seconds.", self._offset - offset)
            self._begin_anew()
            self._owed = True
        self._offset = offset
        if self._owed:
            self._owed = not self._tell()
        return float(super().tick(*args, **options))

    def _begin_anew(self) -> None:
        """As if everything had been rung for just now."""
        for entry in self.schedule.values():
            entry.last_run_at = entry.default_now()
        self._heap = None

    def _tell(self) -> bool:
        """What waits for a moment that has become far away is to be looked at; False while the broker is away."""
        try:
            self.app.send_task(CLOCK_SET_BACK, queue=queue_of(CLOCK_SET_BACK), ignore_result=True, **ONCE_MORE)
        except Exception:  # whatever a broker's client may raise
            return False
        return True


def _offset() -> float:
    """Between the time of day and the clock that is never set, in seconds."""
    return time.time() - time.monotonic()
