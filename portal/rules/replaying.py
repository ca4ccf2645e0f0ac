"""Trying rules on the last days' mail: what they would have locked that went through, and the other way round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from portal.rules.actions import LOCKING
from portal.rules.compiling import compiled
from portal.rules.deciding import decide
from portal.rules.facts import Directory, NoDirectory
from portal.rules.models import Seen
from portal.rules.seen import UNKNOWN, opened

MOST = 20_000
"""Mails that are looked at, the newest."""
MOST_NAMED = 500


@dataclass(frozen=True)
class Change:
    """One mail that would have gone another way. `sure` is False where a condition cannot be told from what is kept."""

    id: UUID
    at: datetime
    was: str
    would: str
    rule: str
    sure: bool


@dataclass(frozen=True)
class Replay:
    """`more` and `fewer` are mails that would be locked now or no longer; `unsure` those of which that is not known."""

    looked: int
    more: int
    fewer: int
    other: int
    """Locked both times, in another way."""
    unsure: int
    changes: tuple[Change, ...]


def replay(
    document: object, default_action: str, *, hours: int = 24, directory: Directory | None = None, most: int = MOST
) -> Replay:
    """Try a document's rules on the mail of the last hours, at most `most`; nothing is sent, stored or counted.

    Raises BadRules, key errors.
    """
    rules = compiled(document, unknown=UNKNOWN)
    since = timezone.now() - timedelta(hours=hours)
    rows = Seen.objects.filter(at__gte=since).order_by("-at")[:most]
    looked = more = fewer = other = unsure = 0
    changes: list[Change] = []
    for row in rows.iterator(chunk_size=500):
        past = opened(row)
        facts = replace(past.facts, directory=directory or NoDirectory())
        decided = decide(facts, rules, default_action)
        sure = decided.action == decide(facts, rules, default_action, doubts=False).action
        looked += 1
        if not sure:
            unsure += 1
        elif decided.action == past.action:
            continue
        elif decided.action in LOCKING and past.action not in LOCKING:
            more += 1
        elif past.action in LOCKING and decided.action not in LOCKING:
            fewer += 1
        else:
            other += 1
        if len(changes) < MOST_NAMED:
            changes.append(Change(row.id, row.at, past.action, decided.action, decided.rule, sure))
    return Replay(looked, more, fewer, other, unsure, tuple(changes))
