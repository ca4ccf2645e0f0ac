"""Alternating runs: every side once a round, so that whatever slows the machine slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

FEWEST_ROUNDS = 5
MOST_ROUNDS = 9
Figures = tuple[float, ...]


def alternate(sides: Mapping[str, Callable[[], float]], *, seconds: float, warm: bool = True) -> dict[str, Figures]:
    """Each side's figures, one a round: five rounds, and up to nine while `seconds` last.

    Every round begins with another side. `warm` adds a first round that does not count.
    """
    names = list(sides)
    if warm:
        for name in names:
            sides[name]()
    found: dict[str, list[float]] = {name: [] for name in names}
    until = time.monotonic() + seconds
    for number in range(MOST_ROUNDS):
        if number >= FEWEST_ROUNDS and time.monotonic() > until:
            break
        first = number % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(sides[name]())
    return {name: tuple(figures) for name, figures in found.items()}


def wall(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cpu(work: Callable[[], object], calls: int) -> float:
    """Seconds of processor time a call takes in this thread, over many: other programs hardly show in it."""
    began = time.thread_time()
    for _ in range(calls):
        work()
    return (time.thread_time() - began) / calls
