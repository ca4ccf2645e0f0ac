"""Checks that an index can know of: what they look for, so that a rule is only asked when it may hold at all."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from portal.rules.patterns import Pool
from portal.rules.view import View

Check = Callable[[View], bool | None]
"""Whether a condition holds; None when that cannot be told. It never raises."""


class Among:
    """One of these values is among those that a mail has at a place; always told."""

    __slots__ = ("get", "place", "values")

    def __init__(self, place: str, values: Collection[str], get: Callable[[View], Collection[str]]) -> None:
        self.place, self.values, self.get = place, frozenset(values), get

    def __call__(self, view: View) -> bool:
        return not self.values.isdisjoint(self.get(view))


class Hit:
    """A pool finds one of its numbers in a part of a mail; always told."""

    __slots__ = ("number", "part", "pool")

    def __init__(self, pool: Pool, part: str, number: int) -> None:
        self.pool, self.part, self.number = pool, part, number

    def __call__(self, view: View) -> bool:
        return self.number in view.hits(self.pool, self.part)


class All:
    """All of some checks, in three values (Kleene): one that fails decides, whatever cannot be told."""

    __slots__ = ("checks",)

    def __init__(self, checks: list[Check]) -> None:
        self.checks = tuple(checks)

    def __call__(self, view: View) -> bool | None:
        found: bool | None = True
        for one in self.checks:
            holds = one(view)
            if holds is False:
                return False
            if holds is None:
                found = None
        return found


class Once:
    """A check that several rules share: asked once a mail."""

    __slots__ = ("check", "place")

    def __init__(self, check: Check, place: int) -> None:
        self.check, self.place = check, place

    def __call__(self, view: View) -> bool | None:
        known: dict[int, Any] = view.known
        found = known.get(self.place, known)
        if found is known:
            found = known[self.place] = self.check(view)
        return found  # type: ignore[no-any-return]
