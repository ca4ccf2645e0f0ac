"""The parts of a page, each had on its own: one that cannot be had leaves the others standing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")
log = logging.getLogger(__name__)


def had(what: Callable[[], T], instead: U) -> T | U:
    """What a part asks for, or `instead` when it cannot be had now. The log has the kind of error, not its text."""
    try:
        return what()
    except Exception as error:  # whatever it is: a page that says nothing at all helps nobody to mend it
        log.error("A part of a page could not be had: %s.", type(error).__name__)
        return instead
