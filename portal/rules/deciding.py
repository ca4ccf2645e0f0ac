"""The decision: the first rule that matches says what happens to a mail, else the default does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.rules.actions import Action, Protect
from portal.rules.conditions import Condition
from portal.rules.decision import Decision
from portal.rules.facts import Facts


@dataclass(frozen=True)
class Rule:
    """When `matches` holds, `then` decides. `name` is what the record and the trace show."""

    name: str
    matches: Condition
    then: Action


def decide(facts: Facts, rules: Sequence[Rule], default_action: str) -> Decision:
    """Decide about one mail, for all its recipients. Never raises; a trigger that cannot be followed is a refusal.

    `default_action` is "relay" or "protect"; anything but "relay" protects.
    """
    for rule in rules:
        if rule.matches.holds(facts):
            return rule.then.decide(facts, rule.name)
    if default_action == "relay":
        return Decision("relay", "default", tag_removed_subject=facts.subject)
    return Protect().decide(facts, "default")
