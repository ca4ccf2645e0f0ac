"""Whether two kinds of requests can be told apart by the time of their answers."""

from __future__ import annotations

import gc
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

TRIES = 3
LEAST = 0.01
"""One try in a hundred falls below by chance alone, three in a row one time in a million."""
Act = Callable[[int], object]


@dataclass(frozen=True)
class Kinds:
    """Two acts that must take the same time. Each is given the number of its turn, over all tries."""

    one: Act
    other: Act


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p of the U test (Mann and Whitney 1947): normal approximation, corrected for ties and continuity."""
    ranked = sorted((value, kind) for kind, values in enumerate((first, second)) for value in values)
    n, m = len(first), len(second)
    rank_sum, ties, start = 0.0, 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        alike = end - start
        rank = (start + 1 + end) / 2
        rank_sum += rank * sum(1 for _, kind in ranked[start:end] if kind == 0)
        ties += alike**3 - alike
        start = end
    u = rank_sum - n * (n + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance == 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def apart(kinds: Kinds, count: int) -> list[float]:
    """The p of each try until one is above LEAST; of three below it, the two can be told apart."""
    found: list[float] = []
    for attempt in range(TRIES):
        found.append(mann_whitney(*_times(kinds, attempt * count, count)))
        if found[-1] > LEAST:
            break
    return found


def _times(kinds: Kinds, start: int, count: int) -> tuple[list[float], list[float]]:
    """Seconds of `count` requests of each kind, in turn and in random order, so that whatever else the machine does
    falls on both."""
    spans: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    try:
        for number in range(start, start + count):
            for kind in random.sample((0, 1), 2):
                act = (kinds.one, kinds.other)[kind]
                began = time.perf_counter()
                act(number)
                spans[kind].append(time.perf_counter() - began)
    finally:
        gc.enable()
    return spans
