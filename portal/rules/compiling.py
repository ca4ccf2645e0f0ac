"""A checked document made ready to decide by: each rule one question, all words and patterns few automata."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from portal.rules import actions
from portal.rules.conditions import KINDS, Check, Pools
from portal.rules.conditions.checks import All
from portal.rules.document import GROUPS, Document, Rule, checked, leaves
from portal.rules.errors import BadRules, Problem
from portal.rules.index import Index
from portal.rules.patterns import BadPattern
from portal.rules.sensitive import SensitiveType, compile_type
from portal.rules.view import View

WISHES = frozenset({"asked_by_header", "subject_tag", "sensitivity", "answers_protected"})
"""Conditions by which the sender, or the conversation, asks for protection: nothing stands above these."""


@dataclass(frozen=True)
class CompiledRule:
    """One rule. `check` is when and not except."""

    id: str
    name: str
    state: str
    check: Check = field(repr=False)
    when: Check = field(repr=False)
    exceptions: Check | None = field(repr=False)
    document: Rule = field(repr=False)
    first_day: date | None
    last_day: date | None
    verdict: str
    """The strongest thing it orders; "" when it orders no verdict."""
    verdicts: tuple[str, ...]
    """All that it orders, the strongest first."""
    overridable: bool
    """Whether its sender may send what it refuses."""
    asks_manager: bool
    """Whether anything it orders is about the manager of the sender."""
    stops: bool
    safe: bool
    """Whether it counts as matched when that cannot be told."""
    kinds: tuple[str, ...]
    """Of its conditions, at most 20."""
    is_wish: bool
    """Whether its conditions are only what a sender asks."""
    tags: frozenset[str]
    """Words in square brackets that it looks for in subjects, besides the usual ones."""

    def is_active(self, today: date) -> bool:
        if self.state == "off" or (self.first_day is not None and today < self.first_day):
            return False
        return self.last_day is None or today <= self.last_day


@dataclass(frozen=True)
class RuleSet:
    """All rules, in order. `version` is 0 for the built-in ones."""

    rules: tuple[CompiledRule, ...] = field(repr=False)
    first_wins: bool
    version: int
    document: Document = field(repr=False)
    own_types: Mapping[str, SensitiveType] = field(repr=False)
    index: Index = field(repr=False)


def compiled(document: object, version: int = 0, unknown: Container[str] = frozenset()) -> RuleSet:
    """Check a document and make it ready. `unknown` are parts of mails that are not known (Kind.needs): conditions that
    look at them cannot be told.

    Raises BadRules.
    """
    known = checked(document)
    own = {one["slug"]: compile_type(one) for one in known["types"]}
    pools = Pools(own, Counter(name for rule in known["rules"] for name in _all_of(rule)))
    rules = tuple(_rule(rule, pools, unknown) for rule in known["rules"])
    try:
        pools.compile()
    except BadPattern:
        said = "All words and patterns together take too much memory; use fewer of them."
        raise BadRules([Problem(("rules",), said)]) from None
    return RuleSet(rules, known["mode"] == "first", version, known, own, Index([rule.check for rule in rules]))


def _rule(rule: Rule, pools: Pools, unknown: Container[str]) -> CompiledRule:
    when = condition(rule["when"], pools, unknown)
    exceptions = _any([condition(one, pools, unknown) for one in rule["except"]]) if rule["except"] else None
    orders = [one["do"] for one in rule["then"]]
    verdicts = [one for one in actions.VERDICTS if one in orders]
    return CompiledRule(
        id=rule["id"],
        name=rule["name"],
        state=rule["state"],
        check=when if exceptions is None else _all([when, _not(exceptions)]),
        when=when,
        exceptions=exceptions,
        document=rule,
        first_day=_day(rule["from"]),
        last_day=_day(rule["until"]),
        verdict=verdicts[0] if verdicts else "",
        verdicts=tuple(verdicts),
        overridable=any(one["do"] == "refuse" and one["override"] for one in rule["then"]),
        asks_manager=any(one.get("manager") for one in rule["then"]),
        stops="stop" in orders,
        safe=bool(verdicts) and verdicts[0] in actions.SAFE,
        kinds=tuple(dict.fromkeys(leaf["if"] for leaf in leaves(rule)))[:20],
        is_wish=all(leaf["if"] in WISHES for leaf in leaves(rule)),
        tags=frozenset(tag for leaf in leaves(rule) if leaf["if"] == "subject_tag" for tag in leaf["values"]),
    )


def condition(given: Mapping[str, Any], pools: Pools, unknown: Container[str] = frozenset()) -> Check:
    """The check of one condition or group, in three values (Kleene): what cannot be told is None."""
    name = _named(given)
    return pools.once(name, lambda: _condition(given, pools, unknown))


def _condition(given: Mapping[str, Any], pools: Pools, unknown: Container[str]) -> Check:
    for kind in GROUPS:
        if kind in given:
            checks = [condition(one, pools, unknown) for one in sorted(given[kind], key=_cost)]
            return {"all": _all, "any": _any, "none": _none}[kind](checks)
    kind_ = KINDS[given["if"]]
    needs = kind_.needs(given)
    if needs and needs in unknown:
        return _cannot_tell
    return kind_.build(given, pools)


def _named(given: Mapping[str, Any]) -> str:
    return json.dumps(given, sort_keys=True)


def _all_of(rule: Rule) -> Iterator[str]:
    """The name of every condition and group of a rule."""
    waiting: list[Mapping[str, Any]] = [rule["when"], *rule["except"]]
    while waiting:
        one = waiting.pop()
        yield _named(one)
        waiting += next((one[kind] for kind in GROUPS if kind in one), [])


def _cost(given: Mapping[str, Any]) -> int:
    for kind in GROUPS:
        if kind in given:
            return max(map(_cost, given[kind]))
    return KINDS[given["if"]].cost


def _cannot_tell(view: View) -> None:
    return None


def _all(checks: list[Check]) -> Check:
    return checks[0] if len(checks) == 1 else All(checks)


def _any(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]

    def check(view: View) -> bool | None:
        found: bool | None = False
        for one in checks:
            holds = one(view)
            if holds is True:
                return True
            if holds is None:
                found = None
        return found

    return check


def _none(checks: list[Check]) -> Check:
    return _not(_any(checks))


def _not(check: Check) -> Check:
    def negated(view: View) -> bool | None:
        holds = check(view)
        return None if holds is None else not holds

    return negated


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
