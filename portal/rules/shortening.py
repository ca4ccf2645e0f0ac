"""A checked rule set without what is as it is anyway: for files and differences that people read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.rules import actions
from portal.rules.conditions import KINDS
from portal.rules.document import GROUPS, Document, Rule
from portal.rules.fields import Field


def short(document: Document) -> Document:
    """The same document, short."""
    types = {"types": document["types"]} if document["types"] else {}
    return {
        "format": document["format"],
        "mode": document["mode"],
        **types,
        "rules": [_short_rule(rule) for rule in document["rules"]],
    }


def _short_rule(rule: Rule) -> Rule:
    found = {name: rule[name] for name in ("id", "name")}
    found |= {name: rule[name] for name in ("from", "until", "note") if rule[name]}
    if rule["state"] != "on":
        found["state"] = rule["state"]
    found["when"] = _short_condition(rule["when"])
    if rule["except"]:
        found["except"] = [_short_condition(one) for one in rule["except"]]
    found["then"] = [_without_defaults(one, actions.KINDS[one["do"]].fields) for one in rule["then"]]
    return found


def _short_condition(given: Mapping[str, Any]) -> dict[str, Any]:
    for kind in GROUPS:
        if kind in given:
            return {kind: [_short_condition(one) for one in given[kind]]}
    return _without_defaults(given, KINDS[given["if"]].fields)


def _without_defaults(given: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in fields or not _is_default(fields[name], value)}


def _is_default(field: Field, value: Any) -> bool:
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    return not field.required and bool(value == default)
