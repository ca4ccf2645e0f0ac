"""One kind of condition: the fields it has, the question it compiles to, and the words it is told in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from portal.rules.fields import Field
from portal.rules.folding import folded, plain
from portal.rules.patterns import Pool, words_pattern
from portal.rules.view import View

Check = Callable[[View], bool | None]
"""Whether a condition holds; None when that cannot be told. It never raises."""


class Pools:
    """What all conditions of a rule set look for, gathered while they are compiled so that a text is walked once."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, str], Pool] = {}
        self.sensitive: set[str] = set()

    def words(self, part: str, words: list[str]) -> tuple[Pool, int]:
        pool = self._pools.setdefault(("words", part), Pool(folded, any_case=False))
        return pool, pool.add([words_pattern(words)])

    def patterns(self, part: str, patterns: list[str]) -> tuple[Pool, int]:
        pool = self._pools.setdefault(("patterns", part), Pool(plain, any_case=True))
        return pool, pool.add(patterns)

    def compile(self) -> None:
        """To be called once all conditions are there. Raises BadPattern."""
        for pool in self._pools.values():
            pool.compile()


@dataclass(frozen=True)
class Kind:
    """One kind. `build` makes the check of one condition from its checked fields; `words` tells it in words."""

    name: str
    fields: Mapping[str, Field]
    build: Callable[[Mapping[str, Any], Pools], Check]
    words: Callable[[Mapping[str, Any]], str]
    group: str
    """ "sender", "recipient", "text", "header", "file" or "mail": where an editor lists it."""
    needs: Callable[[Mapping[str, Any]], str] = lambda given: ""
    """What of a mail it looks at that is not kept for a replay: "subject", "body", "files", "file_texts",
    "directory", "names" or "header:" and a name; "" for nothing."""


def constant(part: str) -> Callable[[Mapping[str, Any]], str]:
    """`needs` of a kind that always looks at the same."""
    return lambda given: part


def listed(values: list[str], *, most: int = 3, last: str = "or") -> str:
    """Some values in words: the first few, and how many more."""
    shown = [f"“{value[:60]}”" for value in values[:most]]
    if len(values) > most:
        more = len(values) - most
        return f"{', '.join(shown)} {last} {more:,} more"
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}" if len(shown) > 1 else shown[0]


def hits(pool: Pool, part: str, number: int) -> Check:
    """The check that a pool's number is found in a part."""
    return partial(_hits, pool, part, number)


def _hits(pool: Pool, part: str, number: int, view: View) -> bool:
    return number in view.hits(pool, part)
