"""A draft beside the live rules, both tried on what is kept of the last days' mail: what would go another way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils import timezone

from portal.rules.compiling import RuleSet, compiled
from portal.rules.deciding import decide
from portal.rules.document import Document
from portal.rules.facts import Directory, Facts
from portal.rules.models import Seen
from portal.rules.replaying import MOST, MOST_NAMED, Change
from portal.rules.seen import UNKNOWN, opened


@dataclass(frozen=True)
class Comparison:
    """`more` and `fewer` are mails that the draft would protect and the live rules do not, and the other way round."""

    looked: int
    more: int
    fewer: int
    other: int
    """Mail that goes another way and is protected by both or by neither, as when it is held."""
    unsure: int
    """Mail of which that cannot be told: what it says is not kept."""
    changes: tuple[Change, ...]
    """At most MOST_NAMED, the newest first."""
    whole: bool
    """Whether all mail of that time was looked at."""


def compare(
    draft: Document, live: Document, default_action: str, *, hours: int, directory: Directory, most: int = MOST
) -> Comparison:
    """Try both on the mail of the last hours, the newest first. Nothing is sent, stored or counted.

    Raises BadRules, key errors.
    """
    new, old = compiled(draft, unknown=UNKNOWN), compiled(live, unknown=UNKNOWN)
    rows = Seen.objects.filter(at__gte=timezone.now() - timedelta(hours=hours)).order_by("-at")[: most + 1]
    looked = more = fewer = other = unsure = 0
    changes: list[Change] = []
    for row in rows.iterator(chunk_size=500):
        if looked == most:
            return Comparison(looked, more, fewer, other, unsure, tuple(changes), False)
        looked += 1
        facts = replace(opened(row).facts, directory=directory)
        would, was = _both(facts, new, default_action), _both(facts, old, default_action)
        if would == was:
            continue
        sure = len(set(would)) == len(set(was)) == 1
        if not sure:
            unsure += 1
        elif "protect" in would:
            more += 1
        elif "protect" in was:
            fewer += 1
        else:
            other += 1
        if len(changes) < MOST_NAMED:
            rule = decide(facts, new, default_action).rule
            changes.append(Change(row.id, row.at, was[0], would[0], rule, sure))
    return Comparison(looked, more, fewer, other, unsure, tuple(changes), True)


def _both(facts: Facts, rules: RuleSet, default_action: str) -> tuple[str, str]:
    """What happens if what cannot be told counts for protection, and if it does not."""
    return decide(facts, rules, default_action).action, decide(facts, rules, default_action, doubts=False).action
