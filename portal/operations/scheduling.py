"""One scheduler at a time, however many run. Two would do no harm, for what they ring for is a row and is done once;
but each would ring for everything."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from django.db import Error as DatabaseFailure
from django.db import connection

from portal.operations import turns
from portal.operations.steady import Scheduler

log = logging.getLogger("letterlock.beat")


class OneAtATime(Scheduler):
    """Celery's scheduler, in memory, which rings only while it has the turn."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._holder = secrets.token_hex(16)
        self._has_turn: bool | None = None
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> float:
        """Ring for what is due; seconds until it wants to be asked again."""
        if not self._turn():
            return turns.RENEW_SECONDS
        return min(float(super().tick(*args, **options)), turns.RENEW_SECONDS)

    def close(self) -> None:
        """The process ends: its line to the broker goes with it, and a broker that does not answer keeps nobody."""
        connection.close()  # what was asked on it last may have been broken off
        try:
            turns.give_up(self._holder)
        except DatabaseFailure:
            log.warning("The turn could not be given up; it ends by itself in %d seconds.", turns.LEASE_SECONDS)

    def _turn(self) -> bool:
        try:
            mine = turns.take(self._holder)
        except DatabaseFailure as error:
            connection.close()
            if self._has_turn:
                log.warning(
                    "The database is away (%s); nothing can be rung for until it is back.", type(error).__name__
                )
            mine = False
        else:
            if mine != self._has_turn:
                log.info("It is this scheduler's turn." if mine else "Another scheduler has the turn; this one waits.")
        self._has_turn = mine
        return mine
