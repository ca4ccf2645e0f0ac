"""Rules to take over as they are: those that every installation starts with, and one for sensitive information."""

from __future__ import annotations

from portal.rules import first
from portal.rules.document import Rule, checked_rule

_SENSITIVE = (
    "payment-card", "iban", "us-bank-account", "us-routing-number", "us-ssn", "us-itin", "us-dea-number",
    "us-passport", "uk-passport",
)  # fmt: skip


def ready_made() -> list[Rule]:
    """In the order in which they belong into a rule set."""
    return [*(dict(one) for one in first.RULES.document["rules"]), _sensitive()]


def _sensitive() -> Rule:
    """The kinds that the original's ready-made rule looks for (features.md, R13), tried out first."""
    return checked_rule(
        {
            "id": "sensitive-outside",
            "name": "sensitive information goes outside",
            "state": "log",
            "when": {
                "all": [
                    {"if": "recipient_is", "place": "outside"},
                    {"if": "sensitive", "types": [{"name": name} for name in _SENSITIVE]},
                ]
            },
            "then": [{"do": "protect", "template": "encrypt"}],
        }
    )
