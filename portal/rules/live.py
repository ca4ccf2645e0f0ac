"""The live rules, compiled once a version and looked for anew every few seconds: no worker need be restarted."""

from __future__ import annotations

import logging
import threading
import time

from portal.rules import first
from portal.rules.compiling import RuleSet, compiled
from portal.rules.errors import BadRules, RulesError, RulesForged
from portal.rules.publishing import live_number, published_document

log = logging.getLogger(__name__)
FRESH_SECONDS = 2.0
"""After this long the number of the live version is asked again."""


class RulesUnusable(RulesError):
    """The live version cannot be used by this program; no mail is decided on by other rules than those published."""

    def __init__(self, number: int, why: str = "") -> None:
        super().__init__(
            why
            or f"Version {number} of the rules cannot be used by this program, which may be older than they are. "
            "Mail waits; start the newer program, or publish rules that this one knows."
        )


class _Live:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._rules = first.RULES

    def rules(self) -> RuleSet:
        now = time.monotonic()
        if now - self._asked_at < FRESH_SECONDS:
            return self._rules
        with self._lock:
            number = live_number()
            if number != self._rules.version:
                self._rules = _compiled(number)
            self._asked_at = now
            return self._rules

    def forget(self) -> None:
        self._asked_at, self._rules = float("-inf"), first.RULES


def _compiled(number: int) -> RuleSet:
    if number == 0:
        return first.RULES
    try:
        rules = compiled(published_document(number), number)
    except RulesForged as error:
        log.error("version %d of the rules is not as it was published here", number)
        raise RulesUnusable(number, str(error)) from None
    except BadRules as error:
        log.error("version %d of the rules cannot be used: %d problems", number, len(error.problems))
        raise RulesUnusable(number) from None
    log.info("rules of version %d from now on", number)
    return rules


_live = _Live()


def rules() -> RuleSet:
    """The rules that hold now, at most a few seconds old. Raises RulesUnusable, and whatever the database raises."""
    return _live.rules()


def forget() -> None:
    """Ask at once the next time: after publishing, and between tests."""
    _live.forget()
