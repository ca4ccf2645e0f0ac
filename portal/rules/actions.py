"""What a rule can order. An action is plain data that turns facts into a decision; it never raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from portal.rules.decision import Decision
from portal.rules.errors import BadTrigger
from portal.rules.facts import Facts
from portal.rules.triggers import HEADER, parse_trigger, strip_tag


class Action(Protocol):
    def decide(self, facts: Facts, rule: str) -> Decision: ...


@dataclass(frozen=True)
class Protect:
    """Protect it as the brand says, but for what the rule says of `delivery` (`link` or `attachment`), and have readers
    prove themselves to this level at least."""

    delivery: str = ""
    level: int = 1

    def decide(self, facts: Facts, rule: str) -> Decision:
        subject = strip_tag(facts.subject)
        return Decision("protect", rule, level=self.level, tag_removed_subject=subject, delivery=self.delivery)


@dataclass(frozen=True)
class ProtectAsAsked:
    """Protect it with the date, rights and line of the trigger header; refuse it when that cannot be followed."""

    def decide(self, facts: Facts, rule: str) -> Decision:
        values = facts.header(HEADER)
        try:
            if len(set(values)) != 1:
                raise BadTrigger("The header X-Letterlock-Protect is there more than once; send it once.")
            asked = parse_trigger(values[0], facts.today)
        except BadTrigger as error:
            return Decision("refuse", rule, tag_removed_subject=facts.subject, text=str(error))
        return Decision(
            "protect",
            rule,
            rights=asked.rights,
            template=asked.template,
            keeps_default_date=asked.until is None,
            open_until=asked.until,
            tag_removed_subject=strip_tag(facts.subject),
            note=asked.note,
            split=asked.split,
            delivery=asked.delivery,
            receipt=asked.receipt,
            level=asked.level,
            phrase=asked.phrase,
            hint=asked.hint,
        )
