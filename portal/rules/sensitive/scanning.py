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

from portal.rules.patterns import is_bounded
from portal.rules.sensitive.kinds import NONE, Found, SensitiveType

NEAR = 300
"""Characters before and after a candidate in which a keyword counts."""
MOST_DIFFERENT = 10_000
"""Instances of one type that are told apart; a rule asks for fewer."""
BETWEEN_LOOKS = 16
"""Candidates between two looks at the clock."""
WINDOW = 32 * 1024
"""Bytes that are searched before the clock is looked at again: a large pattern may take long where it finds nothing."""
LONGEST_FIND = 4096
"""Bytes of one find that are sure to be taken whole, wherever a window ends."""
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


def instances(text: str, kind: SensitiveType, seconds: float) -> Mapping[str, int]:
    """Each different one that a text holds, in its one form, and how sure that is. TooLong, then with nothing found."""
    try:
        return MappingProxyType(_each(levelled(text).encode("utf-8", "replace"), kind, time.thread_time() + seconds))
    except _Over:
        raise TooLong(MappingProxyType({})) from None


def _each(plain: bytes, kind: SensitiveType, until: float) -> dict[str, int]:
    sure: dict[str, int] = {}
    for pattern, alone in ((kind.pattern, kind.alone), (kind.weak, NONE)):
        if pattern:
            _weigh(plain, kind, pattern, alone, sure, until)
    return sure


def _of(plain: bytes, kind: SensitiveType, until: float) -> Found | None:
    if not (sure := _each(plain, kind, until)):
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
    drop = kind.separators.encode()
    known: dict[bytes, bool] = {}
    place = number = 0
    while (span := _next(plain, compiled(searched), place, until, in_group=kind.words)) is not None:
        number += 1
        if number % BETWEEN_LOOKS == 0:
            _look_at_the_clock(until)
        start, stop = span
        value = _one_form(plain[start:stop], kind, drop)
        good = known.get(value)
        if good is None:
            good = known[value] = kind.check(value.decode("utf-8", "replace"))
        if good and (_begins_a_word if kind.words else _stands_alone)(plain, start, stop):
            yield start, stop, value.decode("utf-8", "replace")
            place = max(stop, start + 1)
        else:
            place = _after_word(plain, start, stop)


def _one_form(found: bytes, kind: SensitiveType, drop: bytes) -> bytes:
    if kind.words:
        return " ".join(found.decode("utf-8", "replace").split()).upper().encode()
    value = found.translate(None, drop)
    return value.upper() if kind.folds else value


def _next(plain: bytes, pattern: re2._Regexp, place: int, until: float, *, in_group: bool) -> tuple[int, int] | None:
    """Where the next find behind a place begins and ends. Windows overlap, so that none is cut in two."""
    while place < len(plain):
        end = min(place + WINDOW, len(plain))
        match = pattern.search(plain, place, end)
        if match is not None:
            start: int
            start, stop = match.span((match.lastindex or 0) if in_group else 0)
            if end == len(plain) or start <= end - LONGEST_FIND or start == place:
                return start, stop
            place = start  # it may go on behind the window
        elif end == len(plain):
            return None
        else:
            _look_at_the_clock(until)
            place = end - LONGEST_FIND
    return None


def _look_at_the_clock(until: float) -> None:
    if time.thread_time() > until:
        raise _Over


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


def _begins_a_word(plain: bytes, start: int, _stop: int) -> bool:
    """Of a word that was found with what ends it: whether it is no end of a longer one."""
    first = plain[start : start + _LONGEST_CHARACTER].decode("utf-8", "ignore")[:1]
    before = plain[max(0, start - _LONGEST_CHARACTER) : start].decode("utf-8", "ignore")[-1:]
    return not (is_bounded(first) and before.isalnum())


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


def whole_words(wanted: Collection[str]) -> str:
    """A pattern that finds any of these words or phrases in any case, whole at its end; "" for none. One of its groups
    holds the word alone."""
    alternatives: dict[bool, list[str]] = {True: [], False: []}
    for word in sorted(map(levelled, wanted), key=len, reverse=True):
        if pieces := word.split():
            alternatives[is_bounded(pieces[-1][-1])].append(r"\s+".join(map(re2.escape, pieces)))
    ends = {True: r"(?:[^\pL\pN]|$)", False: ""}
    said = [f"({'|'.join(found)}){ends[bounded]}" for bounded, found in alternatives.items() if found]
    return f"(?i)(?:{'|'.join(said)})" if said else ""
