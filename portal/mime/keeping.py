"""Answers kept for short texts alone: what a mail says may be a quarter of a megabyte long, and would stay here."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")
MOST = 256
"""Texts whose answers a process keeps, for each function."""
LONGEST = 500
"""Characters of a text that is kept."""


def kept(function: Callable[[str], T]) -> Callable[[str], T]:
    """The same function, asked once for texts that come again and again."""
    remembered = lru_cache(maxsize=MOST)(function)

    @wraps(function)
    def asked(text: str) -> T:
        return remembered(text) if len(text) <= LONGEST else function(text)

    return asked
