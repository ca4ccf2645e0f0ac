"""Nobody learns from the time of an answer what the answer does not say; with 500 requests each in tests/soak."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from branding.models import Brand
from tests.access import alike
from tests.access.clockwork import LEAST, Kinds, apart, mann_whitney

COUNT = 150


def test_the_measure_agrees_with_worked_examples_and_sees_what_is_there() -> None:
    # By hand: ranks 1, 2.5, 2.5, 4.5, 6.5 make U = 2, of mean 12.5 and variance 22.5 with three ties of two.
    assert mann_whitney([1, 2, 2, 3, 5], [3, 5, 6, 7, 8]) == pytest.approx(0.0350, abs=0.0001)
    assert mann_whitney(range(100), range(100, 200)) < 1e-30
    assert mann_whitney([1.0] * 50, [1.0] * 50) == 1.0
    draw = random.Random(7)
    noise = [[draw.gauss(5, 1) for _ in range(500)] for _ in range(2)]
    assert mann_whitney(*noise) > LEAST
    assert mann_whitney(noise[0], [value + 0.3 for value in noise[1]]) < LEAST


def test_an_answer_that_takes_half_a_millisecond_longer_is_noticed() -> None:
    def act(seconds: float) -> Callable[[int], object]:
        def wait(_: int) -> None:
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                pass

        return wait

    found = apart(Kinds(act(0.0005), act(0.001)), COUNT)
    assert max(found) < LEAST


@pytest.mark.parametrize(
    "kinds",
    [alike.open_and_withdrawn, alike.unknown_and_deleted, alike.known_and_strange],
    ids=lambda kinds: kinds.__name__,
)
def test_they_cannot_be_told_apart(brand: Brand, kinds: Callable[[Brand, int], Kinds]) -> None:
    found = apart(kinds(brand, COUNT), COUNT)
    assert found[-1] > LEAST, found
