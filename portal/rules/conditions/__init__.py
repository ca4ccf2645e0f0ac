"""What a rule can look for: each kind of condition with its fields, what it asks of a mail, and its words."""

from __future__ import annotations

from collections.abc import Mapping

from portal.rules.conditions import files, mail, people, relations, words
from portal.rules.conditions.checks import Check
from portal.rules.conditions.kind import Kind, Pools

__all__ = ["KINDS", "Check", "Kind", "Pools"]

KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (*people.KINDS, *relations.KINDS, *words.KINDS, *files.KINDS, *mail.KINDS)
}
"""By the name that stands in a rule's `if`."""
