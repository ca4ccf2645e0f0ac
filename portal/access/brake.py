"""A second count of guesses, in memory that a host's web processes share: whoever writes the database sets every count
there back.

The budgets (portal.access.budgets) are rows, so that no restart and no second process refills them, and they are what
honest people ever meet. Beside somebody who empties those rows the digits of a passcode would last for days only, and
those of an app for an hour. Here the counts are wide, and nobody who cannot write the database reaches one.
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from mmap import mmap

from portal.sharing import Shared

SPAN_SECONDS = 24 * 3600.0
OF_AN_ADDRESS = 100
"""Wrong passcodes in a span; the rows give 30 a day to each browser where it was proved before, and to all others."""
OF_AN_APP = 60
"""Wrong codes of an app; its rows give 30 in any 24 hours, so 60 within two spans of them."""
OF_A_PHRASE = 20
"""Wrong phrases at a message; its row has five for good, and a new phrase new ones."""
_ROWS, _PLACES = 4, 1 << 17
"""What is guessed at has one place in each row, and the smallest count there is its own. Of 5,000 that are guessed at
in a day one in 400,000 shares all its places with others, and counts too high then, never too low."""
_PLACE, _UNTIL = struct.Struct("=I"), struct.Struct("=d")


class Brake:
    """Guesses counted by what they are made at, by this process and all that are forked from it.

    All counts begin anew together, when a span is over. A process that is killed leaves what it has counted.
    """

    def __init__(self, span_seconds: float = SPAN_SECONDS) -> None:
        self._span = span_seconds
        self._shared = Shared("letterlock-guesses", _UNTIL.size + _ROWS * _PLACES * _PLACE.size)
        self._salt = os.urandom(16)

    def take(self, what: Hashable, most: int) -> bool:
        """Count a guess before it is compared; False when there were so many that it must not be."""
        places = self._places(what)
        with self._current() as memory:
            if _made(memory, places) >= most:
                return False
            _add(memory, places, 1)
            return True

    def give_back(self, *guessed: Hashable) -> None:
        """It was right, or no guess."""
        with self._current() as memory:
            for what in guessed:
                _add(memory, self._places(what), -1)

    def made(self, what: Hashable) -> int:
        """How many count at this now."""
        with self._current() as memory:
            return _made(memory, self._places(what))

    def forget(self) -> None:
        """As if the first of the processes had just begun."""
        with self._shared.alone():
            self._shared.wipe()

    @contextmanager
    def _current(self) -> Iterator[mmap]:
        with self._shared.alone() as memory:
            if (now := time.monotonic()) >= _UNTIL.unpack_from(memory)[0]:
                self._shared.wipe()
                _UNTIL.pack_into(memory, 0, now + self._span)
            yield memory

    def _places(self, what: Hashable) -> list[int]:
        digest = hashlib.blake2b(repr(what).encode(), key=self._salt, digest_size=4 * _ROWS).digest()
        numbers = (int.from_bytes(digest[4 * row : 4 * row + 4], "big") % _PLACES for row in range(_ROWS))
        return [_UNTIL.size + (row * _PLACES + number) * _PLACE.size for row, number in enumerate(numbers)]


def _made(memory: mmap, places: list[int]) -> int:
    return min(int(_PLACE.unpack_from(memory, place)[0]) for place in places)


def _add(memory: mmap, places: list[int], number: int) -> None:
    for place in places:
        _PLACE.pack_into(memory, place, max(0, _PLACE.unpack_from(memory, place)[0] + number))


BRAKE = Brake()
