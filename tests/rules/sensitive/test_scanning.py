"""Numbers are found however they are written, counted once each, and surer beside a word."""

from __future__ import annotations

import random
import time

import pytest

from portal.rules import contents
from portal.rules.contents import Attachment, Contents
from portal.rules.reading import Reading
from portal.rules.sensitive import TYPES, BadType, SensitiveType, TooLong, compile_type, scan, scanning

CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize(
    "written",
    [
        CARD,
        "4111-1111-1111-1111",
        "4111111111111111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\u20111111\u20111111\u20111111",
        "４１１１ １１１１ １１１１ １１１１",
        "٤١١١ ١١١١ ١١١١ ١١١١",
        "4111 1111\u200b 1111 1111",
        f"2024 {CARD}",
        f"{CARD} 12/27",
        f"({CARD}).",
    ],
)
def test_a_number_is_found_however_it_is_written(written: str) -> None:
    assert scan(written, ["payment-card"])["payment-card"].count == 1


@pytest.mark.parametrize(
    "written", ["4111 1111 1111 1112", "x4111111111111111", "4111111111111111-22", "41111111111111110"]
)
def test_what_only_looks_like_one_is_not(written: str) -> None:
    assert not scan(written, ["payment-card"])


def test_one_number_written_twice_counts_once_and_a_word_nearby_makes_it_sure() -> None:
    bare = scan(f"{CARD} … 4111111111111111", TYPES)["payment-card"]
    assert (bare.count, bare.confidence) == (1, 65)
    assert scan(f"My Visa: {CARD}", TYPES)["payment-card"].confidence == 85
    assert scan("visa" + " " * 301 + CARD, TYPES)["payment-card"].confidence == 65
    both = scan(f"visa {CARD}" + " " * 700 + "5555 5555 5555 4444", TYPES)["payment-card"]
    assert (both.at_least(65), both.at_least(85)) == (2, 1)


def test_an_own_type_counts_with_its_checksum_and_keywords() -> None:
    own = compile_type(
        {
            "slug": "customer",
            "name": "Customer",
            "pattern": r"\bK-[0-9]{8}\b",
            "keywords": ["kundnummer"],
            "confidence": 75,
        }
    )
    found = scan("Kundnummer K-12345678", ["customer"], {"customer": own})
    assert found["customer"].confidence == 85


def of_words(*words: str, **more: object) -> SensitiveType:
    return compile_type({"slug": "own", "name": "Own", "words": list(words), **more})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Project Ørnen starts", 1),
        ("project  ØRNEN and\nProject\u00a0Ørnen", 1),
        ("Project Ørnens", 0),
        ("Subproject Ørnen", 0),
        ("xØrn Ørn", 1),
        ("Ørn Ørnen C++ and c++", 2),
        ("秘密情報", 1),
        ("Ör\u200bn", 0),
        ("Ør\u200bn", 1),
    ],
)
def test_words_are_found_whole_in_any_case_and_each_counts_once(text: str, found: int) -> None:
    own = {"own": of_words("project ørnen", "ørn", "C++", "密情")}
    counted = scan(text, ["own"], own)
    assert (counted["own"].count if counted else 0) == found


def test_the_longer_of_two_words_does_not_hide_the_shorter() -> None:
    assert dict(scanning.instances("Anna Bell", of_words("Anna", "Anna Bel"), 5)) == {"ANNA": 65}
    near = of_words("Anna", keywords=["board"], confidence=0)
    assert dict(scanning.instances("Anna", near, 5)) == {}
    assert dict(scanning.instances("Anna, of the board", near, 5)) == {"ANNA": 85}


def test_a_find_is_whole_wherever_a_window_ends() -> None:
    kind = compile_type({"slug": "own", "name": "Own", "pattern": r"\bK-[0-9]{8}\b"})
    for place in range(scanning.WINDOW - 12, scanning.WINDOW + 3):
        assert list(scanning.instances("x" * (place - 1) + " K-12345678 y" + "z" * 9000, kind, 60)) == ["K12345678"]
    long = compile_type({"slug": "own", "name": "Own", "pattern": "a+b"})
    (found,) = scanning.instances(" " * 10 + "a" * scanning.LONGEST_FIND + "b" + " " * scanning.WINDOW, long, 60)
    assert len(found) == scanning.LONGEST_FIND + 1


def test_the_clock_is_looked_at_where_a_large_pattern_finds_nothing() -> None:
    """Alternatives that no automaton holds at once: each byte costs thousands of steps."""
    slow = "|".join(f"[ab]*{end}[ab]{{900}}{number}" for number, end in enumerate("abab"))
    kind = compile_type({"slug": "own", "name": "Own", "pattern": slow})
    text = "".join(random.Random(7).choices("ab", k=500_000)) * 8
    begun = time.thread_time()
    with pytest.raises(TooLong):
        scanning.instances(text, kind, 0.1)
    assert time.thread_time() - begun < 10, "the whole text takes more than a minute"


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("words", {"words": ["x"] * 0, "pattern": None}),
        ("words", {"words": "word"}),
        ("words", {"words": [f"word {number}" for number in range(201)]}),
        ("words", {"words": ["x" * 81]}),
        ("pattern", {"words": ["word"], "pattern": "x"}),
        ("checksum", {"words": ["word"], "checksum": "luhn"}),
        ("archived", {"words": ["word"], "archived": "yes"}),
    ],
)
def test_words_that_make_no_type_say_which_field_and_why(field: str, change: dict[str, object]) -> None:
    document = {"slug": "own", "name": "Own"} | {name: value for name, value in change.items() if value is not None}
    with pytest.raises(BadType) as refused:
        compile_type(document)
    assert refused.value.field == field


def test_as_many_and_as_long_words_as_there_may_be_are_looked_for_quickly() -> None:
    letters = random.Random(7)
    kind = of_words(*("".join(letters.choices("абвгдежзийкл", k=80)) for _ in range(200)))
    begun = time.thread_time()
    assert not scanning.instances("".join(letters.choices("абвгдежзийкл ", k=100_000)), kind, 60)
    assert time.thread_time() - begun < 5


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("pattern", {"pattern": "(a"}),
        ("pattern", {"pattern": "a*"}),
        ("pattern", {"pattern": r"(?=x)y"}),
        ("pattern", {"pattern": "((a{900}){900})"}),
        ("pattern", {"pattern": "x" * 1001}),
        ("slug", {"slug": "Not a slug"}),
        ("confidence", {"confidence": 99}),
        ("keywords", {"confidence": 0}),
        ("keywords", {"keywords": "word"}),
        ("checksum", {"checksum": "md5"}),
        ("colour", {"colour": "red"}),
        ("name", {"name": ""}),
    ],
)
def test_a_document_that_makes_no_type_says_which_field_and_why(field: str, change: dict[str, object]) -> None:
    with pytest.raises(BadType) as refused:
        compile_type({"slug": "own", "name": "Own", "pattern": r"\bK[0-9]{4}\b"} | change)
    assert refused.value.field == field
    assert str(refused.value).endswith(".")


def test_nothing_is_read_before_it_is_asked_for() -> None:
    read: list[str] = []

    def once() -> Reading:
        read.append("file")
        return Reading(text=CARD)

    contents = Contents("Hello", (Attachment("a.txt", "text/plain", 19, read=once),))
    assert [held.extension for held in contents.attachments] == ["txt"]
    assert not read
    assert contents.found(["payment-card"])["payment-card"].count == 1
    assert not contents.truncated
    assert read == ["file"]
    assert CARD not in repr(contents.attachments)


def test_more_numbers_than_there_is_time_for_are_not_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Megabytes of numbers: what is found by then counts, and that the rest holds nothing is not told."""
    monkeypatch.setattr(contents, "SCAN_SECONDS", 0.2)
    text = f"Visa {CARD} " + "".join(f"{number:09d} {number:011d} " for number in range(200_000))
    held = contents.Contents(text)
    begun = time.thread_time()
    held.found(list(TYPES))
    assert time.thread_time() - begun < 10
    assert not held.was_looked_through
    small = contents.Contents(f"Visa {CARD}")
    assert small.found(["payment-card"])["payment-card"].count == 1
    assert small.was_looked_through
