"""Looks through a text for types of sensitive information, in time that grows with its length alone (RE2)."""

from __future__ import annotations

import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

import re2

from portal.rules.sensitive.kinds import NONE, Found, SensitiveType

NEAR = 300
"""Characters before and after a candidate in which a keyword counts."""
MOST_DIFFERENT = 10_000
"""Instances of one type that are told apart; a rule asks for fewer."""
BETWEEN_LOOKS = 256
"""Candidates between two looks at the clock."""
_LONGEST_CHARACTER = 4  # bytes of UTF-8
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_DIGITS = frozenset(b"0123456789")
_JOINS = frozenset(b".-/")


class TooLong(Exception):
    """There is more to look at than the time allows; `found` is what was found by then, whole type by type."""

    def __init__(self, found: Mapping[str, Found]) -> None:
        super().__init__()
        self.found = found


class _Over(Exception):
    """The time is over."""


def look(text: str, types: Iterable[SensitiveType], seconds: float = float("inf")) -> Mapping[str, Found]:
    """What a text holds of these types, by slug; types of which there is nothing are left out.

    Raises TooLong after so many seconds of this thread's processor time.
    """
    until = time.thread_time() + seconds
    plain = levelled(text).encode("utf-8", "replace")
    found: dict[str, Found] = {}
    try:
        for kind in types:
            if (some := _of(plain, kind, until)) is not None:
                found[kind.slug] = some
    except _Over:
        raise TooLong(MappingProxyType(found)) from None
    return MappingProxyType(found)


def levelled(text: str) -> str:
    """The text with every script's digits as 0 to 9, every blank as a space and every dash as a hyphen."""
    if text.isascii():
        return text.replace("\t", " ")
    return text.translate(_levels())


@lru_cache(maxsize=1)
def _levels() -> dict[int, str]:
    table: dict[int, str] = {ord("\t"): " ", 0x2212: "-"}  # the minus sign is used as a dash
    for number in range(0x80, sys.maxunicode + 1):
        character = chr(number)
        category = unicodedata.category(character)
        if category == "Nd":
            table[number] = str(unicodedata.digit(character))
        elif category == "Zs":
            table[number] = " "
        elif category == "Pd":
            table[number] = "-"
        elif category == "Cf":
            table[number] = ""  # zero-width and directional marks, which hide a number from a pattern
        elif 0xFF01 <= number <= 0xFF5E:
            table[number] = chr(number - 0xFEE0)  # full-width letters and signs
    return table


def _of(plain: bytes, kind: SensitiveType, until: float) -> Found | None:
    sure: dict[str, int] = {}
    for pattern, alone in ((kind.pattern, kind.alone), (kind.weak, NONE)):
        if pattern:
            _weigh(plain, kind, pattern, alone, sure, until)
    if not sure:
        return None
    levels = Counter(sure.values())
    return Found(len(sure), max(levels), MappingProxyType(dict(levels)))


def _weigh(plain: bytes, kind: SensitiveType, searched: str, alone: int, sure: dict[str, int], until: float) -> None:
    """Put into `sure` what a pattern finds, by its one form, with the most confidence that it has anywhere."""
    for start, end, value in _candidates(plain, kind, searched, until):
        if sure.get(value, NONE) >= kind.near:
            continue
        level = kind.near if kind.near > alone and _is_near(plain, start, end, kind) else alone
        if level > sure.get(value, NONE):
            sure[value] = level
            if len(sure) >= MOST_DIFFERENT:
                return


def _candidates(plain: bytes, kind: SensitiveType, searched: str, until: float) -> Iterator[tuple[int, int, str]]:
    """Where each stands, and it in its one form. One that fails its test does not hide another that begins within."""
    pattern, drop = compiled(searched), kind.separators.encode()
    known: dict[bytes, bool] = {}
    place, end, number = 0, len(plain), 0
    while place < end and (match := pattern.search(plain, place, end)) is not None:
        number += 1
        if number % BETWEEN_LOOKS == 0 and time.thread_time() > until:
            raise _Over
        start, stop = match.span()
        value = plain[start:stop].translate(None, drop)
        value = value.upper() if kind.folds else value
        good = known.get(value)
        if good is None:
            good = known[value] = kind.check(value.decode("utf-8", "replace"))
        if good and _stands_alone(plain, start, stop):
            yield start, stop, value.decode("utf-8", "replace")
            place = max(stop, start + 1)
        else:
            place = _after_word(plain, start, stop)


def _after_word(plain: bytes, start: int, stop: int) -> int:
    """The end of the run of letters and digits at `start`, or of the candidate: where the next one may begin."""
    place = start + 1
    while place < stop and plain[place] in _WORD and plain[place - 1] in _WORD:
        place += 1
    return place


def _stands_alone(plain: bytes, start: int, stop: int) -> bool:
    """Whether it is no piece of something longer: no letter or digit touches it, nor a digit over a joint."""
    if stop - start < 1:
        return False
    if plain[start] in _WORD and start:
        before = plain[start - 1]
        if before in _WORD or (before in _JOINS and start > 1 and plain[start - 2] in _DIGITS):
            return False
    if plain[stop - 1] in _WORD and stop < len(plain):
        after = plain[stop]
        if after in _WORD or (after in _JOINS and stop + 1 < len(plain) and plain[stop + 1] in _DIGITS):
            return False
    return True


def _is_near(plain: bytes, start: int, stop: int, kind: SensitiveType) -> bool:
    if not kind.keywords:
        return False
    room = NEAR * _LONGEST_CHARACTER
    before = plain[max(0, start - room) : start].decode("utf-8", "ignore")[-NEAR:]
    after = plain[stop : stop + room].decode("utf-8", "ignore")[:NEAR]
    return words(kind.keywords).search(f"{before} \0 {after}".encode()) is not None


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 16 * 1024 * 1024
    return re2.compile(pattern.encode(), options)


@lru_cache(maxsize=1024)
def words(keywords: Collection[str]) -> re2._Regexp:
    """What finds any of the words, whole, in any case, with any blanks between their words."""
    alternatives = "|".join(r"\s+".join(re2.escape(word) for word in keyword.split()) for keyword in keywords)
    return compiled(rf"(?i)(?:^|[^\pL\pN])(?:{alternatives})(?:[^\pL\pN]|$)")
