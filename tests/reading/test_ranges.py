"""HTTP ranges, as RFC 9110 section 14 has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.reading.ranges import Range, Unsatisfiable, parse


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-4", Range(0, 5)),
        ("bytes=5-", Range(5, 5)),
        ("bytes=-3", Range(7, 3)),
        ("bytes=-99", Range(0, 10)),
        ("bytes=9-99", Range(9, 1)),
    ],
)
def test_it_reads_one_range(header: str, expected: Range) -> None:
    assert parse(header, 10) == expected


@pytest.mark.parametrize(
    "header", ["", "bytes=", "bytes=-", "bytes=4-2", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes=١-٢"]
)
def test_it_gives_the_whole_for_what_is_no_single_range(header: str) -> None:
    assert parse(header, 10) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=99-100", 10), ("bytes=-0", 10), ("bytes=-1", 0)]
)
def test_it_refuses_a_range_behind_the_end(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        parse(header, size)


@given(st.text(max_size=40), st.integers(0, 10**12))
def test_whatever_is_asked_the_range_lies_inside(header: str, size: int) -> None:
    try:
        found = parse(f"bytes={header}", size)
    except Unsatisfiable:
        return
    if found is not None:
        assert found.start >= 0
        assert 0 < found.length <= size - found.start
