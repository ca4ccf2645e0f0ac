"""What a type of sensitive information is, and what finding some of it in a text says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

LOW, MEDIUM, HIGH = 65, 75, 85
"""The levels of confidence that rules of Exchange and Purview know, in percent."""
LEVELS = (LOW, MEDIUM, HIGH)
NONE = 0
"""The confidence of what does not count: a pattern that means nothing without a word beside it."""

Check = Callable[[str], bool]


def _any(_value: str) -> bool:
    return True


@dataclass(frozen=True)
class SensitiveType:
    """One kind of information. Data, but for `check`.

    A candidate is what `pattern` finds, without the characters of `separators` and in upper case where `folds`. It
    counts when `check` holds; with `alone` percent, or with `near` when one of `keywords` is within 300 characters.
    """

    slug: str
    name: str
    looks_for: str
    """One sentence for an administrator."""
    pattern: str = field(repr=False)
    """RE2 syntax; digits of other scripts are already 0 to 9, blanks are spaces, dashes are `-`."""
    weak: str = field(default="", repr=False)
    """A looser pattern, as of the bare digits; what it finds counts only beside a keyword."""
    keywords: tuple[str, ...] = field(default=(), repr=False)
    alone: int = MEDIUM
    near: int = HIGH
    check: Check = field(default=_any, repr=False)
    checked_by: str = ""
    """The checksum or other test in words; "" when there is none."""
    separators: str = " .-/"
    folds: bool = True
    words: bool = False
    """The pattern is of whole words (portal.rules.sensitive.scanning.whole_words): a group holds each."""
    family: str = ""


@dataclass(frozen=True)
class Found:
    """How much of one type a text holds: different instances, each once however often it stands there."""

    count: int
    confidence: int
    """Of the surest of them: 65, 75 or 85."""
    levels: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """Confidence to how many have just that."""

    def at_least(self, confidence: int) -> int:
        """How many are at least so sure: what a rule that names a number and a confidence compares."""
        if not self.levels:
            return self.count if self.confidence >= confidence else 0
        return sum(count for level, count in self.levels.items() if level >= confidence)
