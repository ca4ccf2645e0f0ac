"""A second count of guesses, in memory that a host's web processes share: whoever writes the database sets every count
there back.

The budgets (portal.access.budgets) are rows, so that no restart and no second process refills them, and they are what
honest people ever meet. Beside somebody who empties those rows the digits of a passcode would last for days only, and
those of an app for an hour. Here the counts are wide, and nobody who cannot write the database reaches one.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

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
_BYTES = _UNTIL.size + _ROWS * _PLACES * _PLACE.size


class Brake:
    """Guesses counted by what they are made at, by this process and all that are forked from it.

    All counts begin anew together, when a span is over. A process that is killed leaves what it has counted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file = os.memfd_create("letterlock-guesses", os.MFD_CLOEXEC)
        os.ftruncate(self._file, _BYTES)
        self._memory = mmap.mmap(self._file, _BYTES)
        self._salt = os.urandom(16)

    def take(self, what: Hashable, most: int) -> bool:
        """Count a guess before it is compared; False when there were so many that it must not be."""
        places = self._places(what)
        with self._alone():
            if self._made(places) >= most:
                return False
            self._add(places, 1)
            return True

    def give_back(self, *guessed: Hashable) -> None:
        """It was right, or no guess."""
        with self._alone():
            for what in guessed:
                self._add(self._places(what), -1)

    def made(self, what: Hashable) -> int:
        """How many count at this now."""
        with self._alone():
            return self._made(self._places(what))

    def forget(self) -> None:
        """As if the first of the processes had just begun."""
        with self._alone():
            self._begin(0.0)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread of one process; the kernel lets go for one that is killed."""
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                if (now := time.monotonic()) >= _UNTIL.unpack_from(self._memory)[0]:
                    self._begin(now + SPAN_SECONDS)
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _begin(self, until: float) -> None:
        # Punched out, not filled with zeros: those would take memory.
        self._memory.madvise(mmap.MADV_REMOVE)
        _UNTIL.pack_into(self._memory, 0, until)

    def _places(self, what: Hashable) -> list[int]:
        digest = hashlib.blake2b(repr(what).encode(), key=self._salt, digest_size=4 * _ROWS).digest()
        numbers = (int.from_bytes(digest[4 * row : 4 * row + 4], "big") % _PLACES for row in range(_ROWS))
        return [_UNTIL.size + (row * _PLACES + number) * _PLACE.size for row, number in enumerate(numbers)]

    def _made(self, places: list[int]) -> int:
        return min(int(_PLACE.unpack_from(self._memory, place)[0]) for place in places)

    def _add(self, places: list[int], number: int) -> None:
        for place in places:
            _PLACE.pack_into(self._memory, place, max(0, _PLACE.unpack_from(self._memory, place)[0] + number))


BRAKE = Brake()
