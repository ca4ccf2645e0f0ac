"""Passcodes as numbers."""

from __future__ import annotations

import hmac
import unicodedata
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.access import codes

CODES = 10**8
WORDS = 2**32
FAIR = WORDS // CODES * CODES
DIGIT_ZEROS = {"ASCII": 0x30, "full-width": 0xFF10, "Arabic-Indic": 0x660, "Persian": 0x6F0, "Devanagari": 0x966}
SEPARATORS = " -\u00a0\u2009\u202f\u3000\u2010\u2011\u2013\u2014\u2212\t\n\r.\u200b\u200e\u2066\ufeff"


@given(st.text("0123456789", min_size=8, max_size=8), st.sampled_from(sorted(DIGIT_ZEROS)))
def test_digits_of_any_script_read_as_the_same_passcode(code: str, script: str) -> None:
    typed = "".join(chr(DIGIT_ZEROS[script] + int(digit)) for digit in code)
    assert codes.digits_of(typed) == code


@given(st.text("0123456789", min_size=8, max_size=8), st.lists(st.text(SEPARATORS, max_size=3), min_size=9, max_size=9))
def test_spaces_dashes_and_invisible_characters_anywhere_do_no_harm(code: str, between: list[str]) -> None:
    typed = "".join(chain.from_iterable(zip(between, [*code, ""], strict=True)))
    assert codes.digits_of(typed) == code


@given(st.text(max_size=200))
def test_whatever_is_typed_gives_plain_digits_and_stays_the_same_when_read_again(typed: str) -> None:
    digits = codes.digits_of(typed)
    assert digits == codes.digits_of(digits)
    assert set(digits) <= set("0123456789")
    assert len(digits) in {8, sum(unicodedata.decimal(c, None) is not None for c in typed)}


@given(st.text("0123456789", min_size=8, max_size=8))
def test_of_a_pasted_mail_only_the_passcode_counts(code: str) -> None:
    pasted = f"Enter it on the page that shows the reference BEAVER-66. {code} It works until 15:23 UTC (15 minutes)."
    assert codes.digits_of(pasted) == code
    assert codes.digits_of(f"{pasted} Again: {code}.") == code


def test_of_two_passcodes_none_is_guessed() -> None:
    assert codes.digits_of("12345678 or 87654321") == "1234567887654321"
    assert codes.digits_of("123456789") == "123456789"


@given(st.integers(0, CODES - 1), st.integers(0, WORDS // CODES - 1))
def test_every_code_has_equally_many_words_that_lead_to_it(code: int, multiple: int) -> None:
    assert codes.reduce([multiple * CODES + code]) == code


@given(st.lists(st.integers(FAIR, WORDS - 1), max_size=20), st.integers(0, FAIR - 1))
def test_words_that_would_favour_low_codes_are_thrown_away(unfair: list[int], fair: int) -> None:
    assert codes.reduce([*unfair, fair]) == fair % CODES


def test_no_word_beyond_the_fair_ones_is_ever_used() -> None:
    assert FAIR % CODES == 0
    with pytest.raises(StopIteration):
        codes.reduce([FAIR, WORDS - 1])


def test_codes_are_spread_evenly_over_the_first_digit() -> None:
    counts = [0] * 10
    for number in range(20_000):
        counts[int(codes.derive(b"k" * 32, number.to_bytes(4, "big"))[0])] += 1
    # 2,000 expected each; 5.5 standard deviations (42) are missed once in ten million runs, and the input is fixed.
    assert all(abs(count - 2000) < 235 for count in counts)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6), st.binary(min_size=32, max_size=32))
def test_a_code_has_eight_digits_and_is_the_same_each_time(fields: list[bytes], secret: bytes) -> None:
    code = codes.derive(secret, *fields)
    assert len(code) == 8
    assert code.isdecimal()
    assert code == codes.derive(secret, *fields)


def test_a_mailed_code_still_counts_at_another_version() -> None:
    """Several versions run side by side, so what a code is derived from stays as it is: RFC 2104 over the fields."""
    message = b"letterlock passcode v1" + b"".join(
        bytes([0, len(field)]) + field for field in (b"challenge", b"reader")
    )
    word = int.from_bytes(hmac.digest(b"k" * 32, bytes(4) + message, "sha256")[:4], "big")
    assert word < FAIR
    assert codes.derive(b"k" * 32, b"challenge", b"reader") == f"{word % CODES:08d}"


def test_a_code_changes_with_the_secret_and_with_everything_it_is_bound_to() -> None:
    bound = [b"challenge", b"reader", b"lookup", b"message", b"1"]
    variants = {codes.derive(b"k" * 32, *bound), codes.derive(b"j" * 32, *bound)}
    for place in range(len(bound)):
        changed = [*bound[:place], b"other", *bound[place + 1 :]]
        variants.add(codes.derive(b"k" * 32, *changed))
    variants.add(codes.derive(b"k" * 32, b"challengereader", b"", b"lookup", b"message", b"1"))
    assert len(variants) == 2 + len(bound) + 1


def test_comparing_takes_the_same_time_wherever_they_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    assert codes.same("12345678", "12345678")
    assert not codes.same("12345678", "12345679")
    assert compared == [(b"12345678", b"12345678"), (b"12345678", b"12345679")]
