"""Text of a document as it is gathered, within the characters and the time that it may take."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

MOST_PROPERTIES, LONGEST_PROPERTY = 200, 1000


class Enough(Exception):
    """As many characters, or as much time, as may be taken."""


class Locked(Exception):
    """It cannot be read without a password, or without a server of rights."""


@dataclass
class Read:
    """What was found; `truncated` when there is more."""

    text: str = field(default="", repr=False)
    properties: dict[str, str] = field(default_factory=dict, repr=False)
    truncated: bool = False
    locked: bool = False
    partly: bool = False
    """Something in it is of a kind that is not read here."""


class Gathered:
    """Pieces of text, up to `most` characters and `until` (time.monotonic())."""

    def __init__(self, most: int, until: float) -> None:
        self._pieces: list[str] = []
        self._room, self._until = most, until

    def add(self, piece: str) -> None:
        """Raises Enough; what there was room for is kept."""
        if len(piece) > self._room:
            self._pieces.append(piece[: self._room])
            self._room = 0
            raise Enough
        self._room -= len(piece)
        self._pieces.append(piece)

    def look_at_the_clock(self) -> None:
        """Raises Enough."""
        if time.monotonic() > self._until:
            raise Enough

    def text(self) -> str:
        return "".join(self._pieces)


def keep(into: dict[str, str], name: str, value: str) -> None:
    """One property more, unless there are very many: the first of a name counts."""
    value = value.strip()[:LONGEST_PROPERTY]
    if name and value and len(into) < MOST_PROPERTIES:
        into.setdefault(name.lower()[:LONGEST_PROPERTY], value)
