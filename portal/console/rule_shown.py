"""The form of a rule as its templates draw it: every field with its label, its choices, and what is wrong with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from branding.models import Brand
from portal.console import rule_labels as labels
from portal.console.rule_form import LISTS, Form, Node, as_condition, fields_of, values_of
from portal.directory.models import Group
from portal.rules import actions, limits
from portal.rules.conditions import KINDS
from portal.rules.document import GROUPS, Document, checked
from portal.rules.errors import BadRules
from portal.rules.fields import Field
from portal.rules.sensitive import TYPES
from portal.rules.sentences import action as action_words
from portal.rules.sentences import condition as condition_words
from portal.vault import templates
from portal.vault.models import RightsTemplate

MOST_GROUPS = 200
"""More than so many are named by hand."""
UNFINISHED = "…"
Choice = tuple[str, str, bool]
"""Value, label, chosen."""


@dataclass
class Shown:
    """Draws one form. `errors` are sentences by the name of their field."""

    errors: Mapping[str, str]
    own_types: Document

    def form(self, form: Form) -> dict[str, Any]:
        return {
            "when": self._group("w", form.when, depth=1),
            "exceptions": [self._node(f"e.{n}", one, depth=1) for n, one in enumerate(form.exceptions)],
            "then": [self._leaf(f"t.{n}", one, action=True) for n, one in enumerate(form.then)],
            "conditions": self._kinds(depth=1),
            "orders": [(name, labels.action(name)) for name in actions.KINDS],
        }

    def _node(self, key: str, node: Node, depth: int) -> dict[str, Any]:
        return self._group(key, node, depth + 1) if node.is_group else self._leaf(key, node, action=False)

    def _group(self, key: str, node: Node, depth: int) -> dict[str, Any]:
        return {
            "key": key,
            "group": True,
            "kind": node.kind,
            "error": self.errors.get(key, ""),
            "joins": [(name, labels.joined(name)) for name in GROUPS],
            "inner": [self._node(f"{key}.{n}", one, depth) for n, one in enumerate(node.inner)],
            "conditions": self._kinds(depth),
        }

    def _kinds(self, depth: int) -> list[tuple[str, list[tuple[str, str]]]]:
        """What a select of conditions offers, in groups."""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for kind in KINDS.values():
            found[labels.group(kind.group)].append((kind.name, labels.condition(kind.name)))
        if depth < limits.MOST_DEPTH:
            found[_("A group of conditions")] = [(name, labels.joined(name)) for name in GROUPS]
        return list(found.items())

    def _leaf(self, key: str, node: Node, *, action: bool) -> dict[str, Any]:
        fields = fields_of(node.kind, action=action)
        return {
            "key": key,
            "kind": node.kind,
            "title": labels.action(node.kind) if action else labels.condition(node.kind),
            "error": self.errors.get(key, ""),
            "fields": [self._field(f"{key}-{name}", name, one, node) for name, one in fields.items()],
        }

    def _field(self, full: str, name: str, one: Field, node: Node) -> dict[str, Any]:
        typed = node.typed.get(name, "")
        shown: dict[str, Any] = {
            "name": full,
            "label": labels.field(name, node.kind),
            "hint": labels.hint(name, one.kind, node.kind),
            "error": self.errors.get(full, ""),
            "widget": _widget(one),
            "value": typed,
            "required": one.required,
            "numeric": one.kind == "number" and name != "bytes",
        }
        if one.kind in ("choice", "choices"):
            chosen = typed if isinstance(typed, list) else [typed]
            shown["choices"] = [(value, labels.choice(value), value in chosen) for value in one.choices]
            if one.kind == "choice" and not one.required and not one.default:
                shown["choices"].insert(0, ("", _("As the brand says"), not typed))
        elif one.kind == "sensitive":
            offered = [(slug, said) for slug, said in self._known if slug not in self._archived]
            shown |= {"rows": self._kinds_of(typed, full), "known": offered}
        elif name == "template":
            shown |= {"widget": "select", "choices": _listed(self._templates, typed, _("As the brand says"))}
        elif name == "brand":
            shown |= {"widget": "select", "choices": _listed(self._brands, typed, _("The sender’s own"))}
        elif name == "level":
            shown |= {"widget": "select", "choices": [(n, said, n == typed) for n, said in _levels()]}
        elif one.kind == "slugs" and node.kind.endswith("_group") and self._groups:
            wanted = [line for line in typed.split("\n") if line.strip()]
            shown |= {"widget": "checks", "hint": "", "choices": _ticked(self._groups, wanted)}
        return shown

    def _kinds_of(self, typed: list[dict[str, str]], full: str) -> list[dict[str, Any]]:
        names = dict(self._known)
        return [
            {**row, "key": f"{full}.{number}", "title": names.get(row["name"], row["name"]), "number": number}
            for number, row in enumerate(typed or [])
        ]

    @cached_property
    def _known(self) -> list[tuple[str, str]]:
        own = [_named(one["slug"], one["name"], one["slug"] in self._archived) for one in self.own_types["types"]]
        return own + sorted(((kind.slug, kind.name) for kind in TYPES.values()), key=lambda one: one[1])

    @cached_property
    def _archived(self) -> frozenset[str]:
        return frozenset([one["slug"] for one in self.own_types["types"] if one.get("archived")])

    @cached_property
    def _templates(self) -> list[tuple[str, str]]:
        archived = RightsTemplate.State.ARCHIVED
        return [_named(row.slug, templates.name_of(row), row.state == archived) for row in templates.everyone()]

    @cached_property
    def _brands(self) -> list[tuple[str, str]]:
        rows = Brand.objects.order_by("name").values_list("slug", "name", "archived_at")
        return [_named(slug, name, bool(at)) for slug, name, at in rows]

    @cached_property
    def _groups(self) -> list[tuple[str, str]]:
        """None where there are so many that nobody finds one in a list."""
        found = list(Group.objects.order_by("name").values_list("slug", "name")[: MOST_GROUPS + 1])
        return found if len(found) <= MOST_GROUPS else []


def sentence(form: Form, types: Document) -> str:
    """The rule in words as far as it is finished."""
    said = _("If {conditions}").format(conditions=_condition(form.when, types, outermost=True))
    if form.exceptions:
        exceptions = _(" or if ").join(_condition(one, types) for one in form.exceptions)
        said = _("{sentence}, except if {exceptions}").format(sentence=said, exceptions=exceptions)
    orders = ", ".join(_leaf_words(one, types, action=True) for one in form.then) or UNFINISHED
    said = _("{sentence}, then {orders}.").format(sentence=said, orders=orders)
    return said.removesuffix(".") if said.endswith(f"{UNFINISHED}.") else said


def _condition(node: Node, types: Document, *, outermost: bool = False) -> str:
    if not node.is_group:
        return _leaf_words(node, types, action=False)
    between = {"all": _(" and "), "any": _(" or "), "none": _(" nor ")}[node.kind]
    said = between.join(_condition(one, types) for one in node.inner) or UNFINISHED
    if node.kind == "none":
        said = _("neither {conditions}").format(conditions=said)
    return said if outermost else f"({said})"


def _leaf_words(node: Node, types: Document, *, action: bool) -> str:
    """One condition or action in words; “…” while it cannot be used."""
    given = {"do": node.kind, **values_of(node, action=True)} if action else as_condition(node)
    rule = {
        "id": "x",
        "name": "x",
        "when": [{"if": "everything"}] if action else [given],
        "then": [given] if action else [{"do": "stop"}],
    }
    try:
        found = checked({"format": 1, "mode": "first", "types": types["types"], "rules": [rule]})["rules"][0]
    except BadRules:
        label = labels.action(node.kind) if action else labels.condition(node.kind)
        return f"{label[:1].lower()}{label[1:]} {UNFINISHED}"
    return action_words(found["then"][0]) if action else condition_words(found["when"]["all"][0])


def _widget(one: Field) -> str:
    if one.kind in LISTS or one.kind == "text":
        return "area"
    return {"choice": "select", "choices": "checks", "flag": "check", "sensitive": "kinds"}.get(one.kind, "input")


def _levels() -> list[tuple[str, str]]:
    return [
        ("1", _("1: a mailed passcode")),
        ("2", _("2: a sign-in at a provider")),
        ("3", _("3: a passkey, or a second factor as well")),
    ]


def _named(slug: str, name: str, archived: bool) -> tuple[str, str]:
    return slug, _("{name} (archived)").format(name=name) if archived else name


def _listed(known: list[tuple[str, str]], typed: str, empty: str) -> list[Choice]:
    """A select of what there is; what is named and is there no more stays, and is said."""
    found = [("", empty, not typed), *((value, label, value == typed) for value, label in known)]
    if typed and typed not in dict(known):
        found.append((typed, _("{name} (not there any more)").format(name=typed), True))
    return found


def _ticked(known: list[tuple[str, str]], wanted: list[str]) -> list[Choice]:
    found = [(value, label, value in wanted) for value, label in known]
    gone = [one for one in wanted if one not in dict(known)]
    return found + [(one, _("{name} (not in the directory)").format(name=one), True) for one in gone]
