"""An organisation's own kinds of sensitive information in a rule set: found, put in, taken out, and told in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.rules.conditions.kind import listed
from portal.rules.document import Document, Rule, leaves
from portal.rules.errors import RulesError
from portal.rules.sensitive import HIGH, LOW
from portal.rules.sensitive.own import KEYS

Kind = dict[str, Any]
"""As portal.rules.sensitive.own reads it."""


class KindInUse(RulesError):
    """A rule asks for it, and could not be told without it."""


def find(document: Document, slug: str) -> Kind | None:
    """The organisation's own kind of this short name."""
    return next((dict(one) for one in document["types"] if one["slug"] == slug), None)


def asked_for(document: Document) -> Mapping[str, list[Rule]]:
    """The rules that ask for a kind, by its short name; kinds that none asks for are left out."""
    found: dict[str, list[Rule]] = {}
    for rule in document["rules"]:
        asked = {one["name"] for leaf in leaves(rule) if leaf["if"] == "sensitive" for one in leaf["types"]}
        for slug in asked:
            found.setdefault(slug, []).append(rule)
    return found


def rules_with(document: Document, slug: str) -> list[Rule]:
    """The rules that ask for one kind."""
    return asked_for(document).get(slug, [])


def with_kind(document: Document, kind: Kind) -> Document:
    """With this kind in the place of the one of its short name; a new one comes last."""
    if find(document, kind["slug"]) is None:
        return {**document, "types": [*document["types"], kind]}
    return {**document, "types": [kind if one["slug"] == kind["slug"] else one for one in document["types"]]}


def without_kind(document: Document, slug: str) -> Document:
    """Without it. Raises KindInUse."""
    if rules_with(document, slug):
        raise KindInUse
    return {**document, "types": [one for one in document["types"] if one["slug"] != slug]}


def archived(kind: Mapping[str, Any], *, is_archived: bool) -> Kind:
    """The same kind, offered no more, or again."""
    rest = {name: value for name, value in kind.items() if name != "archived"}
    return {**rest, "archived": True} if is_archived else rest


def told(kind: Mapping[str, Any]) -> str:
    """A kind in one or two sentences."""
    words, keywords, alone = kind.get("words"), kind.get("keywords"), kind.get("confidence", LOW)
    said = f"the words {listed(list(words), last='and')}" if words else f"the pattern “{kind.get('pattern', '')}”"
    checked_by = f", checked by {kind['checksum']}" if kind.get("checksum") else ""
    near = f", and {HIGH} beside {listed(list(keywords))}" if keywords else ""
    worth = f"{alone} alone" if alone else "nothing alone"
    archived_ = " It is archived." if kind.get("archived") else ""
    return f"It finds {said}{checked_by}; each is worth {worth}{near}.{archived_}"


def ordered(kind: Mapping[str, Any]) -> Kind:
    """With its fields in the order in which people read them."""
    return {name: kind[name] for name in KEYS if name in kind}
