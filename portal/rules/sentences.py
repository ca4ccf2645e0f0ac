"""A rule in one English sentence: for the list, the editor, the difference between two versions and the commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.rules import actions
from portal.rules.conditions import KINDS
from portal.rules.document import GROUPS, Rule

Path = tuple[str | int, ...]
Part = tuple[Path, str]
_JOINED = {"all": " and ", "any": " or ", "none": " nor "}


def sentence(rule: Rule) -> str:
    """A checked rule in words, like “If a recipient is outside, then protect it.”"""
    return "".join(said for _, said in parts(rule))


def parts(rule: Rule) -> list[Part]:
    """The same in pieces, each single condition with where it stands in the rule, as portal.rules.deciding.explain
    names it; what joins them with ()."""
    found: list[Part] = [((), "If "), *_parts(rule["when"], ("when",), outermost=True)]
    for number, one in enumerate(rule["except"]):
        found += [((), " or if " if number else ", except if "), *_parts(one, ("except", number))]
    return [*found, ((), f", then {_orders(rule['then'])}.")]


def condition(given: Mapping[str, Any], *, outermost: bool = False) -> str:
    """One condition or group in words."""
    return "".join(said for _, said in _parts(given, (), outermost=outermost))


def _parts(given: Mapping[str, Any], path: Path, *, outermost: bool = False) -> list[Part]:
    kind = next((kind for kind in GROUPS if kind in given), None)
    if kind is None:
        return [(path, KINDS[given["if"]].words(given))]
    inner, found = given[kind], list[Part]()
    if kind == "none":
        found.append(((), "neither " if len(inner) > 1 else "not so that "))
    for number, one in enumerate(inner):
        found += [((), _JOINED[kind])] if number else []
        found += _parts(one, (*path, kind, number))
    return found if outermost or len(inner) == 1 else [((), "("), *found, ((), ")")]


def action(given: Mapping[str, Any]) -> str:
    """One action in words."""
    return actions.KINDS[given["do"]].words(given)


def _orders(given: list[dict[str, Any]]) -> str:
    said = [action(one) for one in given]
    return f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else said[0]
