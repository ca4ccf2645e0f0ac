"""What long commands say while they work: sentences, a progress bar where a person looks, and a pace that is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

BAR_WIDTH = 30
REDRAW_SECONDS = 0.1


class Output(Protocol):
    """Where sentences go: a stream, or Django's wrapper of one."""

    def write(self, text: str, /) -> object: ...


class Terminal:
    """Sentences go to `output`; the bar goes to `screen`, and only when a person sits there."""

    def __init__(self, output: Output, screen: TextIO) -> None:
        self._output = output
        self._screen = screen

    def say(self, sentence: str) -> None:
        """One line of the answer."""
        self._output.write(sentence.rstrip("\n") + "\n")

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Bar]:
        """A bar of `total` steps, for as long as the block runs; what is shown last stays on the screen."""
        bar = Bar(self._screen if self._screen.isatty() else None, what, total)
        bar.draw()
        try:
            yield bar
        finally:
            bar.close()


class Bar:
    """`done` of `total` steps; draws at most ten times a second."""

    def __init__(self, screen: TextIO | None, what: str, total: int) -> None:
        self.done = 0
        self._screen = screen
        self._what = what
        self._total = total
        self._began = time.monotonic()
        self._drawn = 0.0

    def step(self, count: int = 1) -> None:
        self.done += count
        if time.monotonic() - self._drawn >= REDRAW_SECONDS:
            self.draw()

    def draw(self) -> None:
        if self._screen is None:
            return
        self._drawn = time.monotonic()
        part = min(1.0, self.done / self._total) if self._total else 1.0
        full = round(part * BAR_WIDTH)
        left = (self._drawn - self._began) * (1 / part - 1) if part else 0.0
        bar = "█" * full + "·" * (BAR_WIDTH - full)
        self._screen.write(f"\r{self._what} {bar} {self.done:,}/{self._total:,}, {left:,.0f} s left \x1b[K")
        self._screen.flush()

    def close(self) -> None:
        self.draw()
        if self._screen is not None:
            self._screen.write("\n")


class Pace:
    """Keeps work at `rate` steps a second or slower; None is as fast as it goes."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._began = time.monotonic()
        self._done = 0

    def step(self, count: int) -> None:
        """Say that `count` steps were done; sleeps as long as they came too soon."""
        self._done += count
        if self._rate:
            time.sleep(max(0.0, self._began + self._done / self._rate - time.monotonic()))
