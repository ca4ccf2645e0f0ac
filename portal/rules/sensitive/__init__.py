"""Sensitive information types: what they look for, and how much of each a text holds. Pure, without Django."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from portal.rules.sensitive import (
    banking,
    british,
    credentials,
    european,
    german_speaking,
    health,
    nordic,
    overseas,
    payment,
    romance,
    scanning,
    united_states,
)
from portal.rules.sensitive.kinds import HIGH, LEVELS, LOW, MEDIUM, Found, SensitiveType
from portal.rules.sensitive.own import BadType, compile_type
from portal.rules.sensitive.scanning import TooLong

__all__ = [
    "HIGH",
    "LEVELS",
    "LOW",
    "MEDIUM",
    "TYPES",
    "BadType",
    "Found",
    "SensitiveType",
    "TooLong",
    "compile_type",
    "scan",
]

_FAMILIES = (
    payment, banking, united_states, british, german_speaking, nordic, romance, european, overseas, health, credentials,
)  # fmt: skip
TYPES: Mapping[str, SensitiveType] = MappingProxyType(
    {kind.slug: kind for family in _FAMILIES for kind in family.TYPES}
)
"""By slug; a slug is kept for good, for rules name it."""


def scan(
    text: str,
    names: Collection[str],
    own: Mapping[str, SensitiveType] = MappingProxyType({}),
    seconds: float = float("inf"),
) -> Mapping[str, Found]:
    """What a text holds of the types named, by slug; those of which it holds nothing are left out.

    `own` are the organisation's types. KeyError for a name that is neither here nor there: a rule that asks for what
    nobody looks for must not pass as "nothing found". TooLong after so many seconds of processor time.
    """
    return scanning.look(text, [own[name] if name in own else TYPES[name] for name in names], seconds)
