"""Padmé padding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.vault.padding import padded_length, padding


@pytest.mark.parametrize(
    ("length", "padded"),
    [(0, 0), (1, 1), (2, 2), (8, 8), (9, 10), (200, 208), (1000, 1024), (65_537, 67_584), (100 << 20, 100 << 20)],
)
def test_lengths_are_those_of_the_paper(length: int, padded: int) -> None:
    assert padded_length(length) == padded


@given(st.integers(min_value=0, max_value=1 << 40))
def test_it_costs_at_most_twelve_percent_and_pads_once_only(length: int) -> None:
    padded = padded_length(length)
    assert length <= padded <= length * 1.12
    assert padded_length(padded) == padded


@given(st.integers(min_value=1, max_value=1 << 40))
def test_a_longer_content_is_never_shorter_when_padded(length: int) -> None:
    assert padded_length(length) <= padded_length(length + 1)


def test_few_lengths_can_be_told_apart() -> None:
    assert len({padded_length(length) for length in range(1 << 16, 1 << 17)}) == 33


@pytest.mark.parametrize("length", [0, 1, 9, 70_000, 3_000_001])
def test_padding_comes_as_small_pieces_of_zeros(length: int) -> None:
    pieces = list(padding(length))
    assert sum(map(len, pieces)) == padded_length(length) - length
    assert all(0 < len(piece) <= 1 << 16 for piece in pieces)
    assert not b"".join(pieces).strip(b"\0")
