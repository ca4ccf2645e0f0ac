"""One kind of condition: the fields it has, the question it compiles to, and the words it is told in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from portal.rules.conditions.checks import Among, Check, Hit, Once
from portal.rules.fields import Field
from portal.rules.folding import folded, plain
from portal.rules.patterns import Pool, words_pattern
from portal.rules.sensitive import SensitiveType


class Pools:
    """What all conditions of a rule set look for, gathered while they are compiled so that a text is walked once."""

    def __init__(
        self,
        own: Mapping[str, SensitiveType] = MappingProxyType({}),
        times: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._pools: dict[tuple[str, str], Pool] = {}
        self._once: dict[str, Check] = {}
        self._times = times
        self.own = own
        self.sensitive: set[str] = set()
        """Kinds of sensitive information that any rule asks for: a mail is looked through for all of them at once."""
        self.groups: set[str] = set()
        """Groups of the directory that any rule names, likewise."""

    def words(self, part: str, words: list[str]) -> tuple[Pool, int]:
        pool = self._pools.setdefault(("words", part), Pool(folded, any_case=False))
        return pool, pool.add([words_pattern(words)])

    def patterns(self, part: str, patterns: list[str]) -> tuple[Pool, int]:
        pool = self._pools.setdefault(("patterns", part), Pool(plain, any_case=True))
        return pool, pool.add(patterns)

    def once(self, name: str, build: Callable[[], Check]) -> Check:
        """The check of this name, made anew unless several rules have it, which then ask it once a mail."""
        if self._times.get(name, 0) < 2:
            return build()
        if name not in self._once:
            made = build()
            self._once[name] = made if isinstance(made, Among | Hit) else Once(made, len(self._once))
        return self._once[name]

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
    cost: int = 0
    """Rules ask what is cheap first: 0 what came with the envelope or header, 1 the directory, 2 files, 3 texts."""
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
