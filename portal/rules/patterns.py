"""Words and patterns of all rules as few automata: a text is walked once, in time linear in its length (RE2).

A pattern that could hang another engine cannot be written down here: RE2 has no back-references and no look-around.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import re2

from portal.rules.errors import RulesError
from portal.rules.folding import folded
from portal.rules.limits import PATTERN_MEMORY

_ASCII_END = r"[\x00-/:-@\[-^`{-\x7f]"
# Scripts that put no space between words: their words count wherever they stand.
_NO_SPACES = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0x9FFF),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
)


class BadPattern(RulesError):
    """RE2 cannot read it."""


def _options(*, any_case: bool) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    options.never_capture = True
    options.case_sensitive = not any_case
    options.dot_nl = True
    return options


def check_pattern(pattern: str) -> None:
    """Raises BadPattern with what is wrong, in RE2's words."""
    try:
        _compiled(pattern)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if error.args else ""
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else "characters that cannot be written"
        raise BadPattern(text) from None


def words_pattern(words: Sequence[str]) -> str:
    """A pattern for any of these words or phrases, whole, in a folded text; "" when none has a letter left."""
    bounded: dict[tuple[bool, bool], list[str]] = {}
    for word in words:
        if form := folded(word):
            bounded.setdefault((is_bounded(form[0]), is_bounded(form[-1])), []).append(re2.escape(form))
    pieces = []
    for (before, after), escaped in bounded.items():
        start = rf"(?:\A|{_ASCII_END})" if before else ""
        end = rf"(?:\z|{_ASCII_END})" if after else ""
        pieces.append(f"{start}(?:{'|'.join(sorted(set(escaped)))}){end}")
    return "|".join(pieces)


def is_bounded(character: str) -> bool:
    """Whether a word that begins or ends so must not go on: not when it is a sign itself, like in `[secure]`."""
    if not character.isalnum():
        return False
    return not any(first <= ord(character) <= last for first, last in _NO_SPACES)


class Pool:
    """All words or patterns that are looked for in one kind of text; `ask` gives what holds for one of them.

    `fold` is how a text is brought into the form that they are written for.
    """

    def __init__(self, fold: Callable[[str], str], *, any_case: bool) -> None:
        self.fold = fold
        self._any_case = any_case
        self._patterns: list[tuple[str, int]] = []
        self._number = 0
        self._set: Any = None

    def add(self, patterns: Sequence[str]) -> int:
        """The number by which `found` tells that one of these is there."""
        number, self._number = self._number, self._number + 1
        self._patterns += [(pattern, number) for pattern in patterns if pattern]
        return number

    def compile(self) -> None:
        """To be called once all are added. Raises BadPattern when they are too many to be held together."""
        options = _options(any_case=self._any_case)
        self._set = re2.Set.SearchSet(options)
        try:
            for pattern, _ in self._patterns:
                self._set.Add(pattern)
            # An empty pattern is always found: a set that does not say so has run out of memory, and knows nothing.
            self._set.Add("")
            self._set.Compile()
        except re2.error:
            raise BadPattern("too large") from None

    def found(self, text: str) -> frozenset[int]:
        """The numbers of those that are in a text, which is folded here."""
        if not self._patterns:
            return frozenset()
        form = self.fold(text)
        hits = self._set.Match(form.encode("utf-8", "replace"))
        if len(self._patterns) not in hits:
            return self._one_by_one(form)
        numbers = self._patterns
        return frozenset([numbers[hit][1] for hit in hits if hit < len(numbers)])

    def _one_by_one(self, form: str) -> frozenset[int]:
        return frozenset(
            number for pattern, number in self._patterns if _compiled(pattern, any_case=self._any_case).search(form)
        )


@lru_cache(maxsize=4096)
def _compiled(pattern: str, *, any_case: bool = True) -> Any:
    return re2.compile(pattern, _options(any_case=any_case))
