"""Which rules may speak of a mail at all: most look for a name, a word or a label that it does not have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from portal.rules.conditions.checks import All, Among, Check, Hit, Once
from portal.rules.patterns import Pool
from portal.rules.view import View

_Numbers = dict[str, list[int]]


class Index:
    """Rules by one check of each that must hold; what it leaves out cannot match, and it keeps their order."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._always: list[int] = []
        self._among: dict[str, tuple[Callable[[View], Collection[str]], _Numbers]] = {}
        self._hits: dict[tuple[int, str], tuple[Pool, str, dict[int, list[int]]]] = {}
        for number, check in enumerate(checks):
            self._add(number, check)

    def _add(self, number: int, check: Check) -> None:
        chosen = _telling(check)
        if isinstance(chosen, Among):
            _, table = self._among.setdefault(chosen.place, (chosen.get, {}))
            for value in chosen.values:
                table.setdefault(value, []).append(number)
        elif isinstance(chosen, Hit):
            key = (id(chosen.pool), chosen.part)
            _, _, found = self._hits.setdefault(key, (chosen.pool, chosen.part, {}))
            found.setdefault(chosen.number, []).append(number)
        else:
            self._always.append(number)

    def candidates(self, view: View) -> list[int]:
        """The places of the rules to ask, in order."""
        found = list(self._always)
        for get, table in self._among.values():
            for value in get(view):
                if value in table:
                    found += table[value]
        for pool, part, numbers in self._hits.values():
            for number in view.hits(pool, part):
                if number in numbers:
                    found += numbers[number]
        return found if len(found) == len(self._always) else sorted(set(found))


def _telling(check: Check) -> Among | Hit | None:
    """A check that must hold for this one to hold, and that costs little to look up."""
    if isinstance(check, Once):
        check = check.check
    if isinstance(check, Among):
        return check
    if isinstance(check, Hit):
        return check if check.part == "subject" or check.part.startswith("header:") else None
    if isinstance(check, All):
        found = [one for one in map(_telling, check.checks) if one is not None]
        return min(found, key=lambda one: isinstance(one, Hit)) if found else None
    return None
