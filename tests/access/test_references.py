"""References like KITE-27."""

from __future__ import annotations

import re

from portal.access import references


def test_a_reference_is_a_word_of_the_list_and_two_digits() -> None:
    for _ in range(500):
        reference = references.new()
        assert re.fullmatch(r"[A-Z]{3,9}-[1-9][0-9]", reference)
        assert reference.partition("-")[0].lower() in references.WORDS
        assert len(reference) <= 12


def test_the_words_are_many_and_none_is_there_twice() -> None:
    assert len(references.WORDS) > 240
    assert len(set(references.WORDS)) == len(references.WORDS)


def test_no_reference_looks_like_a_passcode_to_a_program_that_fills_codes_in() -> None:
    assert not any(re.search(r"\d{4,8}", references.new()) for _ in range(500))
