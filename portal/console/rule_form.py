"""The form of one rule: read from a rule or from what was posted, changed by its buttons, and made a rule again.

Every condition, group and action is a node with a key: `w` the conditions, `e` the exceptions, `t` the actions, and
`w.0.2` the third node in the first. A field's name in the form is its node's key, a hyphen, and its own name. The
fields are those of the core's tables, so that a new condition needs nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from portal.rules import actions, limits
from portal.rules.conditions import KINDS
from portal.rules.document import GROUPS, Rule
from portal.rules.fields import Field
from portal.rules.sensitive import TYPES

LISTS = frozenset({"words", "patterns", "addresses", "domains", "networks", "slugs", "extensions", "types"})
PARTS = ("name", "state", "from", "until", "note", "place")
MOST_TYPED = 400_000
_ROOTS = {"when": "w", "except": "e", "then": "t"}
_SIZE = re.compile(r"([0-9]{1,13})\s*(b|kb|mb|gb)?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1000_000, "gb": 1000_000_000}
_TYPE_FIELDS = ("name", "at_least", "at_most", "confidence")


@dataclass
class Node:
    """One condition or action with what was typed, or a group with its nodes."""

    kind: str
    typed: dict[str, Any] = field(default_factory=dict)
    """Field to text; to a list for choices, and to a list of mappings for sensitive information."""
    inner: list[Node] = field(default_factory=list)

    @property
    def is_group(self) -> bool:
        return self.kind in GROUPS


@dataclass
class Form:
    """`parts` are the rule's own fields as text; `when` is a group."""

    parts: dict[str, str]
    when: Node
    exceptions: list[Node]
    then: list[Node]


def fields_of(kind: str, *, action: bool) -> Mapping[str, Field]:
    """The fields of a condition or an action; none of what there is not."""
    if action:
        return actions.KINDS[kind].fields if kind in actions.KINDS else {}
    return KINDS[kind].fields if kind in KINDS else {}


# ----------------------------------------------------------------------------------------------- from a rule


def fresh() -> Form:
    """A new rule: only logged at first, and nothing chosen."""
    return Form({**dict.fromkeys(PARTS, ""), "state": "log"}, Node("all"), [], [])


def of_rule(rule: Rule, place: int) -> Form:
    parts = {name: str(rule[name] or "") for name in ("name", "state", "from", "until", "note")}
    when = _of_condition(rule["when"])
    if not when.is_group:
        when = Node("all", inner=[when])
    return Form(
        {**parts, "place": str(place)},
        when,
        [_of_condition(one) for one in rule["except"]],
        [_of_fields(one["do"], one, action=True) for one in rule["then"]],
    )


def _of_condition(given: Mapping[str, Any]) -> Node:
    for kind in GROUPS:
        if kind in given:
            return Node(kind, inner=[_of_condition(one) for one in given[kind]])
    return _of_fields(given["if"], given, action=False)


def _of_fields(kind: str, given: Mapping[str, Any], *, action: bool) -> Node:
    return Node(
        kind,
        {name: _as_typed(one, given.get(name)) for name, one in fields_of(kind, action=action).items()},
    )


def _as_typed(one: Field, value: Any) -> Any:
    if one.kind in LISTS:
        return "\n".join(value or ())
    if one.kind == "choices":
        return list(value or ())
    if one.kind == "sensitive":
        return [{name: str(kind.get(name, "")) for name in _TYPE_FIELDS} for kind in value or ()]
    if one.kind == "flag":
        return "on" if value else ""
    return "" if value is None or (one.kind == "days" and not value) else str(value)


# ---------------------------------------------------------------------------------------------- from a browser


def posted(post: QueryDict) -> Form:
    """What was typed, all of it, whether it makes a rule or not."""
    parts = {name: post.get(name, "")[:2000] for name in PARTS}
    when = Node(_group_kind(post.get("w-kind", "")), inner=_read(post, "w", action=False))
    return Form(parts, when, _read(post, "e", action=False), _read(post, "t", action=True))


def _group_kind(said: str) -> str:
    return said if said in GROUPS else GROUPS[0]


def _read(post: QueryDict, key: str, *, action: bool) -> list[Node]:
    found = []
    for number in range(limits.MOST_CONDITIONS + 1):
        own = f"{key}.{number}"
        kind = post.get(f"{own}-kind")
        if kind is None or own.count(".") > limits.MOST_DEPTH + 1:
            break
        if kind in GROUPS and not action:
            found.append(Node(kind, inner=_read(post, own, action=False)))
        elif fields := fields_of(kind, action=action):
            found.append(Node(kind, {name: _typed(post, f"{own}-{name}", one) for name, one in fields.items()}))
        elif kind in (actions.KINDS if action else KINDS):
            found.append(Node(kind))
    return found


def _typed(post: QueryDict, name: str, one: Field) -> Any:
    if one.kind in LISTS:
        return "\n".join(post.getlist(name))[:MOST_TYPED].replace("\r\n", "\n")
    if one.kind == "choices":
        return post.getlist(name)
    if one.kind == "sensitive":
        return list(_typed_kinds(post, name))
    return post.get(name, "")[:MOST_TYPED]


def _typed_kinds(post: QueryDict, name: str) -> Iterator[dict[str, str]]:
    for number in range(101):
        row = f"{name}.{number}"
        if f"{row}-name" not in post:
            break
        yield {part: post.get(f"{row}-{part}", "").strip()[:80] for part in _TYPE_FIELDS}
    if new := post.get(f"{name}-new", "").strip()[:200]:
        yield {"name": _slug_of_kind(new), "at_least": "1", "at_most": "", "confidence": "75"}


def _slug_of_kind(said: str) -> str:
    """A kind by its short name or by what people call it."""
    wanted = said.casefold()
    return next((slug for slug, kind in TYPES.items() if wanted in (slug, kind.name.casefold())), said)


def press(form: Form, post: QueryDict) -> bool:
    """Do what an editor's button says in `do`: "add:KEY", "remove:KEY" or "unkind:KEY:NUMBER"; whether it was one."""
    verb, _colon, key = post.get("do", "").partition(":")
    if verb == "add":
        nodes, kind = _nodes(form, key), post.get(f"{key}-add", "")
        known = kind in actions.KINDS if key == "t" else kind in KINDS or kind in GROUPS
        if nodes is not None and known:
            nodes.append(Node(kind, {name: _first(one) for name, one in fields_of(kind, action=key == "t").items()}))
        return True
    if verb == "remove":
        above, _dot, number = key.rpartition(".")
        nodes = _nodes(form, above)
        if nodes is not None and number.isdigit() and int(number) < len(nodes):
            del nodes[int(number)]
        return True
    if verb == "unkind":
        node_key, _colon, number = key.rpartition(":")
        above, _dot, place = node_key.rpartition(".")
        nodes = _nodes(form, above)
        if nodes is not None and place.isdigit() and int(place) < len(nodes) and number.isdigit():
            kinds = nodes[int(place)].typed.get("types", [])
            del kinds[int(number) : int(number) + 1]
        return True
    return verb == "look"


def _first(one: Field) -> Any:
    return _as_typed(one, list(one.default) if isinstance(one.default, tuple) else one.default)


def _nodes(form: Form, key: str) -> list[Node] | None:
    """The list that a group's key names."""
    root, *rest = key.split(".")
    found = {"w": form.when.inner, "e": form.exceptions, "t": form.then}.get(root)
    for number in rest:
        if found is None or not number.isdigit() or int(number) >= len(found) or not found[int(number)].is_group:
            return None
        found = found[int(number)].inner
    return found


# --------------------------------------------------------------------------------------------------- to a rule


def as_rule(form: Form, id_: str) -> dict[str, Any]:
    """The rule as a document that is not checked yet."""
    return {
        "id": id_,
        **{name: form.parts[name].strip() for name in ("name", "state", "from", "until")},
        "note": form.parts["note"],
        "when": as_condition(form.when),
        "except": [as_condition(one) for one in form.exceptions],
        "then": [{"do": one.kind, **values_of(one, action=True)} for one in form.then],
    }


def as_condition(node: Node) -> dict[str, Any]:
    if node.is_group:
        return {node.kind: [as_condition(one) for one in node.inner]}
    return {"if": node.kind, **values_of(node, action=False)}


def values_of(node: Node, *, action: bool) -> dict[str, Any]:
    values = {
        name: _value(one, name, node.typed.get(name, "")) for name, one in fields_of(node.kind, action=action).items()
    }
    return {name: value for name, value in values.items() if value not in ("", [], None)}


def _value(one: Field, name: str, typed: Any) -> Any:
    if one.kind in LISTS:
        return [line.strip() for line in typed.split("\n") if line.strip()]
    if one.kind == "choices":
        return typed
    if one.kind == "sensitive":
        return [_kind(row) for row in typed]
    if one.kind == "flag":
        return typed == "on"
    if one.kind == "number":
        return _size(typed) if name == "bytes" else _whole(typed)
    if one.kind == "days":
        return "never" if typed.strip().lower() == "never" else _whole(typed)
    return typed if one.kind in ("text", "line") else typed.strip()


def _kind(row: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": row["name"]}
    return found | {name: _whole(row[name]) for name in _TYPE_FIELDS[1:] if row[name]}


def _whole(typed: str) -> int | str:
    """A number, or what is none as it was typed: the check says what to write."""
    said = typed.strip().replace(",", "").replace(" ", "")
    return int(said) if re.fullmatch(r"-?[0-9]{1,15}", said, re.ASCII) else typed.strip()


def _size(typed: str) -> int | str:
    found = _SIZE.fullmatch(typed.strip())
    return int(found[1]) * _UNITS[(found[2] or "").lower()] if found else typed.strip()


# ------------------------------------------------------------------------------------------------- its mistakes


def key_of(path: Sequence[str | int]) -> str:
    """The name in the form of what a problem's path names: ("rules", 0, "when", "all", 1, "values") is "w.1-values"."""
    rest = list(path[2:])
    if not rest:
        return "name"
    root = rest.pop(0)
    if root not in _ROOTS:
        return str(root)
    key = _ROOTS[str(root)]
    for piece in rest:
        if isinstance(piece, int):
            key += f".{piece}"
        elif piece not in GROUPS:
            return f"{key}-{piece}"
    return key
