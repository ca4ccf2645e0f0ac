"""A second count of guesses, in this process's memory: whoever writes the database sets every count there back.

The budgets (portal.access.budgets) are rows, so that no restart and no second process refills them, and they are what
honest people ever meet. Beside somebody who empties those rows the digits of a passcode would last for days only, and
those of an app for an hour. Here the counts are wide, and nobody who cannot write the database reaches one.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Hashable

SPAN_SECONDS = 24 * 3600.0
OF_AN_ADDRESS = 100
"""Wrong passcodes in a span; the rows give 30 a day to each browser where it was proved before, and to all others."""
OF_AN_APP = 60
"""Wrong codes of an app; its rows give 30 in any 24 hours, so 60 within two spans of them."""
OF_A_PHRASE = 20
"""Wrong phrases at a message; its row has five for good, and a new phrase new ones."""


class Brake:
    """Guesses counted by what they are made at. All counts begin anew together, when a span is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: Counter[Hashable] = Counter()
        self._until = 0.0

    def take(self, what: Hashable, most: int) -> bool:
        """Count a guess before it is compared; False when there were so many that it must not be."""
        with self._lock:
            if (now := time.monotonic()) >= self._until:
                self._made, self._until = Counter(), now + SPAN_SECONDS
            if self._made[what] >= most:
                return False
            self._made[what] += 1
            return True

    def give_back(self, *guessed: Hashable) -> None:
        """It was right, or no guess."""
        with self._lock:
            self._made.subtract(guessed)

    def forget(self) -> None:
        """As if the process had just begun."""
        with self._lock:
            self._made.clear()


BRAKE = Brake()
