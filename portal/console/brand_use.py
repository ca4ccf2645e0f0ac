"""Which live rules name a brand."""

from __future__ import annotations

from collections import Counter

from portal.rules.publishing import document_of, live_number


def rules_by_brand() -> Counter[str]:
    """How many of the live rules that are not switched off protect mail under a brand, by its short name."""
    number = live_number()
    rules = document_of(number)["rules"] if number else []
    return Counter(
        brand
        for rule in rules
        if rule["state"] != "off"
        for brand in {action.get("brand", "") for action in rule["then"]} - {""}
    )
