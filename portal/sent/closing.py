"""How far ahead a sender may date their message: not beyond what its template and its rule allow."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils import timezone

from portal.lifecycle.dates import LONGEST_DAYS
from portal.rules import live
from portal.rules.errors import RulesError
from portal.vault import templates
from portal.vault.models import Message


def latest(message: Message, today: date) -> date:
    """The latest last day. What an administrator gave it stays possible; more than that is theirs to give."""
    sent = timezone.localtime(message.made_at).date()
    row = templates.find(message.template) if message.template else None
    limits = [templates.latest(row, sent) if row else None, _of_rule(message.rule, sent)]
    last = min((day for day in limits if day), default=today + timedelta(days=LONGEST_DAYS))
    if message.open_until is not None:
        last = max(last, timezone.localtime(message.open_until).date())
    return min(last, today + timedelta(days=LONGEST_DAYS))


def _of_rule(name: str, sent: date) -> date | None:
    """What the rule that protected it says, as it is published now; None where it says nothing, or is not there."""
    try:
        found = next((rule for rule in live.rules().rules if rule.name == name), None) if name else None
    except RulesError:
        return sent  # what the rules say cannot be known, so nothing is dated further ahead
    if found is None:
        return None
    days = [action["open"] for action in found.document["then"] if action["do"] == "protect"]
    return min((sent + timedelta(days=one) for one in days if isinstance(one, int) and one), default=None)
