"""Short texts that come again are answered from memory; of a hostile mail's long ones nothing stays there."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from portal.mime import keeping
from portal.mime.keeping import kept
from portal.mime.reading import read

LONG = 200_000


def test_a_short_text_is_asked_once_and_a_long_one_each_time() -> None:
    asked = []

    @kept
    def loud(text: str) -> str:
        asked.append(len(text))
        return text.upper()

    short, long = "a" * keeping.LONGEST, "a" * (keeping.LONGEST + 1)
    assert [loud(text) for text in (short, short, long, long)] == [text.upper() for text in (short, short, long, long)]
    assert asked == [len(short), len(long), len(long)]


@pytest.mark.parametrize("said", ['text/plain; x="{}"', 'text/plain; charset="{}"', "text/{}"])
def test_mails_with_long_types_leave_nothing_in_memory(said: str) -> None:
    def mails(numbers: range) -> None:
        for number in numbers:
            kind = said.format(f"{number}{'x' * LONG}")
            read(f"From: a@b.example\r\nSubject: x\r\nContent-Type: {kind}\r\n\r\nhello\r\n".encode())

    mails(range(1))
    tracemalloc.start()
    try:
        mails(range(1, 11))
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2 * LONG
