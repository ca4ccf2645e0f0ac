"""A rule in one English sentence: for the list, the editor, the difference between two versions and the commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.rules import actions
from portal.rules.conditions import KINDS
from portal.rules.document import GROUPS, Rule

_JOINED = {"all": " and ", "any": " or ", "none": " nor "}


def sentence(rule: Rule) -> str:
    """A checked rule in words, like “If a recipient is outside, then protect it.”"""
    said = f"If {condition(rule['when'], outermost=True)}"
    if rule["except"]:
        said += f", except if {' or if '.join(condition(one) for one in rule['except'])}"
    return f"{said}, then {_orders(rule['then'])}."


def condition(given: Mapping[str, Any], *, outermost: bool = False) -> str:
    """One condition or group in words."""
    for kind in GROUPS:
        if kind in given:
            said = _JOINED[kind].join(condition(one) for one in given[kind])
            said = (
                f"neither {said}"
                if kind == "none" and len(given[kind]) > 1
                else f"not so that {said}"
                if kind == "none"
                else said
            )
            return said if outermost or len(given[kind]) == 1 else f"({said})"
    return KINDS[given["if"]].words(given)


def action(given: Mapping[str, Any]) -> str:
    """One action in words."""
    return actions.KINDS[given["do"]].words(given)


def _orders(given: list[dict[str, Any]]) -> str:
    said = [action(one) for one in given]
    return f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else said[0]
