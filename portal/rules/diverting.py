"""Rules that give a mail, or what it is, to people whom its sender did not name: copies, other recipients, reports,
requests to approve it.

Whoever writes rules sees no mail. Such a rule would show them all of it, so an owner has to publish one, and whatever
may let one match more than before. The same holds for a rule that deletes mail: nobody would miss it in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.rules.document import Document, Rule
from portal.rules.errors import Problem

DIVERTING = frozenset({"copy_to", "redirect_to", "incident_report"})
_WORDS = frozenset({"name", "note"})
"""Fields that change nothing of what a rule does."""


def problems(document: Document, live: Document) -> list[Problem]:
    """Why only an owner can publish this in the place of what is live; empty when anyone who writes rules can."""
    return [
        Problem(
            ("rules", place, "then"),
            f"Rule {place + 1} “{rule['name']}” {does}, and is new or may match more than before. Only an owner can "
            "publish that: ask one to look at it.",
        )
        for place, rule in enumerate(document["rules"])
        if (does := _alone(rule)) and not _is_as_it_was(document, place, live)
    ]


def _alone(rule: Rule) -> str:
    """What a rule does that is an owner's to publish; "" for nothing."""
    if rule["state"] != "on":
        return ""
    if any(action["do"] == "drop" for action in rule["then"]):
        return "deletes mail and tells nobody"
    return "sends mail to further people" if any(map(diverts, rule["then"])) else ""


def diverts(action: Mapping[str, Any]) -> bool:
    """Whether an action shows a mail, or what it is, to further people: who is to approve one reads it."""
    return action["do"] in DIVERTING or (action["do"] == "hold" and bool(action["addresses"] or action["manager"]))


def _is_as_it_was(document: Document, place: int, live: Document) -> bool:
    """Whether a rule is live already and meets no more mail: what stood before it still does, in that order. More
    before it only takes mail away from it."""
    if document["mode"] != live["mode"] or document["types"] != live["types"]:
        return False
    wanted = _meaning(document["rules"][place])
    before = [_meaning(rule) for rule in live["rules"]]
    if wanted not in before:
        return False
    now = iter([_meaning(rule) for rule in document["rules"][:place]])
    return all(one in now for one in before[: before.index(wanted)] if one["state"] == "on")


def _meaning(rule: Rule) -> Rule:
    return {name: value for name, value in rule.items() if name not in _WORDS}
