"""HTTP ranges of bytes (RFC 9110 section 14), as far as a download needs them: one range."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class Unsatisfiable(Exception):
    """The range begins behind the end: 416."""


@dataclass(frozen=True)
class Range:
    """`length` bytes from `start`."""

    start: int
    length: int


def parse(header: str, size: int) -> Range | None:
    """The range asked for, or None for the whole: also for several ranges and for nonsense (RFC 9110 section 14.2)."""
    match = _ONE_RANGE.fullmatch(header.strip())
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:  # the last N bytes
        length = min(int(last), size)
        if length == 0:
            raise Unsatisfiable
        return Range(size - length, length)
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    if last and int(last) < int(first):
        return None
    if start >= size:
        raise Unsatisfiable
    return Range(start, end - start + 1)
