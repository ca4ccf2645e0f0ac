"""A rule set as a document of plain values, checked: every field in its normal form, or every problem as a sentence.

{"format": 1, "mode": "first", "rules": [{
    "id": "patients", "name": "Results of patients", "state": "on", "from": "2026-01-01", "until": null, "note": "",
    "when": {"all": [{"if": "recipient_is", "place": "outside"}, {"any": [...]}]},
    "except": [{"if": "sender_group", "values": ["press"]}],
    "then": [{"do": "protect", "template": "view-only"}, {"do": "stop"}]}]}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from portal.rules import actions, limits
from portal.rules.conditions import KINDS
from portal.rules.errors import BadRules, Problem
from portal.rules.fields import BadField, Field, unknown
from portal.rules.sensitive import TYPES, BadType, compile_type

FORMAT = 1
MODES = ("first", "all")
STATES = ("on", "off", "log")
GROUPS = ("all", "any", "none")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_RULE = {"id", "name", "state", "from", "until", "note", "when", "except", "then"}
_DOCUMENT = {"format", "mode", "types", "rules"}
_MOST_TYPES = 100
_MOST_PROBLEMS = 50
Path = tuple[str | int, ...]
Rule = dict[str, Any]
Document = dict[str, Any]


def checked(document: object) -> Document:
    """The document in its normal form, with nothing left out. Raises BadRules with all problems, at most 50."""
    return _Checker().document(document)


def checked_rule(rule: object, number: int = 1) -> Rule:
    """The same for one rule alone. Raises BadRules."""
    checker = _Checker()
    found = checker.rule(rule, number - 1)
    if checker.problems:
        raise BadRules(checker.problems)
    return found


class _Checker:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._name = ""
        self._conditions = 0
        self._known = set(TYPES)

    def document(self, given: object) -> Document:
        found = self._document(given)
        if self.problems:
            raise BadRules(self.problems[:_MOST_PROBLEMS])
        if len(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")) > limits.MOST_DOCUMENT_BYTES:
            raise BadRules([Problem((), f"The rules may take at most {limits.MOST_DOCUMENT_BYTES >> 10:,} KiB.")])
        return found

    def _document(self, given: object) -> Document:
        if not isinstance(given, Mapping):
            self._wrong((), "The rules must be a mapping with format, mode and rules.")
            return {}
        for name in sorted(map(str, set(given) - _DOCUMENT)):
            self._wrong((name,), f"The rules have no field “{name[:60]}”; there are format, mode, types and rules.")
        if given.get("format") != FORMAT:
            self._wrong(("format",), f"The field “format” must be {FORMAT}; this version knows no other.")
        mode = given.get("mode", "first")
        if mode not in MODES:
            self._wrong(("mode",), "The field “mode” must be first or all.")
        types = self._types(given.get("types", []))
        rules = given.get("rules")
        if not isinstance(rules, list | tuple):
            self._wrong(("rules",), "The field “rules” must be a list of rules.")
            return {}
        if len(rules) > limits.MOST_RULES:
            said = f"There may be at most {limits.MOST_RULES:,} rules; there are {len(rules):,}."
            self._wrong(("rules",), said)
            return {}
        found = [self.rule(rule, place) for place, rule in enumerate(rules)]
        self._twice(found)
        return {"format": FORMAT, "mode": mode, "types": types, "rules": found}

    def _types(self, given: object) -> list[dict[str, Any]]:
        """The organisation's own kinds of sensitive information (portal.rules.sensitive.own)."""
        if not isinstance(given, list | tuple) or len(given) > _MOST_TYPES:
            self._wrong(("types",), f"The field “types” must be a list of at most {_MOST_TYPES} kinds.")
            return []
        found = []
        for number, one in enumerate(given):
            try:
                self._known.add(compile_type(one if isinstance(one, Mapping) else {}).slug)
                found.append(dict(one))
            except BadType as error:
                self._wrong(("types", number, error.field), f"Kind {number + 1} of “types”: {error}")
        return found

    def _twice(self, rules: list[Rule]) -> None:
        seen: dict[str, int] = {}
        for place, rule in enumerate(rules):
            if (first := seen.setdefault(rule.get("id", f"#{place}"), place)) != place:
                said = f"Rules {first + 1} and {place + 1} have the same id; every rule needs one of its own."
                self._wrong(("rules", place, "id"), said)

    def rule(self, given: object, place: int) -> Rule:
        path: Path = ("rules", place)
        self._name, self._conditions = f"Rule {place + 1}", 0
        if not isinstance(given, Mapping):
            self._wrong(path, f"{self._name} must be a mapping with id, name, when and then.")
            return {}
        if isinstance(given.get("name"), str) and given["name"].strip():
            self._name = f"Rule {place + 1} “{given['name'].strip()[:60]}”"
        for name in sorted(map(str, set(given) - _RULE)):
            self._wrong((*path, name), f"{self._name}: there is no field “{name[:60]}”.")
        name = self._field(path, "name", Field("line", most=limits.LONGEST_NAME), given)
        found: Rule = {
            "id": self._id(path, given.get("id"), place),
            "name": name.strip() if isinstance(name, str) else "",
            "state": self._field(path, "state", Field("choice", False, "on", STATES), given),
            "from": self._day(path, "from", given.get("from")),
            "until": self._day(path, "until", given.get("until")),
            "note": self._field(path, "note", Field("text", False, "", most=limits.LONGEST_NOTE), given),
            "when": self._group((*path, "when"), given.get("when"), 1),
            "except": self._list((*path, "except"), given.get("except", []), 1, least=0),
            "then": self._actions((*path, "then"), given.get("then")),
        }
        if found["from"] and found["until"] and found["until"] < found["from"]:
            self._wrong((*path, "until"), f"{self._name}: “until” must not be before “from”.")
        if self._conditions > limits.MOST_CONDITIONS:
            said = f"{self._name} may have at most {limits.MOST_CONDITIONS} conditions; it has {self._conditions:,}."
            self._wrong(path, said)
        return found

    def _id(self, path: Path, value: object, place: int) -> str:
        if not isinstance(value, str) or _ID.fullmatch(value) is None:
            said = f"{self._name}: “id” must be 1 to 40 small letters, digits and hyphens."
            self._wrong((*path, "id"), said)
            return f"#{place}"
        return value

    def _day(self, path: Path, name: str, value: object) -> str | None:
        if value is None or value == "":
            return None
        try:
            return value.isoformat() if type(value) is date else date.fromisoformat(value).isoformat()  # type: ignore[arg-type]
        except (TypeError, ValueError):
            self._wrong((*path, name), f"{self._name}: “{name}” must be a day like 2026-12-31.")
            return None

    # Conditions

    def _group(self, path: Path, given: object, depth: int) -> dict[str, Any]:
        """A group of conditions, {"all"|"any"|"none": [...]}; a list alone is `all` of it."""
        if isinstance(given, list | tuple):
            given = {"all": given}
        if not isinstance(given, Mapping) or len(given) != 1 or next(iter(given)) not in GROUPS:
            self._wrong(path, f"{self._name}: “{path[-1]}” must be all, any or none with a list of conditions.")
            return {"all": []}
        ((kind, items),) = given.items()
        return {kind: self._list((*path, kind), items, depth, least=1)}

    def _list(self, path: Path, given: object, depth: int, *, least: int) -> list[dict[str, Any]]:
        if not isinstance(given, list | tuple) or len(given) < least:
            self._wrong(path, f"{self._name}: “{path[-1]}” must be a list of conditions{' with at least one' * least}.")
            return []
        if depth > limits.MOST_DEPTH:
            said = f"{self._name}: groups may stand at most {limits.MOST_DEPTH} deep in each other."
            self._wrong(path, said)
            return []
        return [self._condition((*path, number), one, depth) for number, one in enumerate(given)]

    def _condition(self, path: Path, given: object, depth: int) -> dict[str, Any]:
        self._conditions += 1
        if isinstance(given, Mapping) and len(given) == 1 and next(iter(given)) in GROUPS:
            return self._group(path, given, depth + 1)
        if not isinstance(given, Mapping) or not isinstance(given.get("if"), str):
            self._wrong(path, f"{self._name}: a condition must say “if” and what kind it is.")
            return {}
        kind = KINDS.get(given["if"])
        if kind is None:
            said = f"{self._name}: there is no condition “{given['if'][:60]}”."
            self._wrong((*path, "if"), said)
            return {}
        fields = {name: value for name, value in given.items() if name != "if"}
        found = self._fields(path, kind.name, kind.fields, fields)
        if kind.name == "sensitive":
            for one in found["types"] or []:
                if one["name"] not in self._known:
                    said = f"{self._name}: there is no kind of sensitive information “{one['name'][:60]}”."
                    self._wrong((*path, "types"), said)
        return {"if": kind.name, **found}

    # Actions

    def _actions(self, path: Path, given: object) -> list[dict[str, Any]]:
        if not isinstance(given, list | tuple) or not 0 < len(given) <= limits.MOST_ACTIONS:
            said = f"{self._name}: “then” must be a list of 1 to {limits.MOST_ACTIONS} actions."
            self._wrong(path, said)
            return []
        found = [self._action((*path, number), one) for number, one in enumerate(given)]
        verdicts = [one["do"] for one in found if one.get("do") in actions.VERDICTS]
        if len(verdicts) > len(set(verdicts)):
            self._wrong(path, f"{self._name}: “then” may name each of {', '.join(actions.VERDICTS)} once.")
        if "drop" in verdicts and len(set(verdicts)) > 1:
            self._wrong(path, f"{self._name}: “drop” stands alone; what is deleted is not {_other(verdicts)} as well.")
        return found

    def _action(self, path: Path, given: object) -> dict[str, Any]:
        if not isinstance(given, Mapping) or not isinstance(given.get("do"), str):
            self._wrong(path, f"{self._name}: an action must say “do” and what kind it is.")
            return {}
        kind = actions.KINDS.get(given["do"])
        if kind is None:
            self._wrong((*path, "do"), f"{self._name}: there is no action “{given['do'][:60]}”.")
            return {}
        fields = {name: value for name, value in given.items() if name != "do"}
        before = len(self.problems)
        found = self._fields(path, kind.name, kind.fields, fields)
        if len(self.problems) == before and (said := kind.check(found)):
            self._wrong(path, f"{self._name}: in “{kind.name}”, {said}.")
        return {"do": kind.name, **found}

    # Fields

    def _fields(self, path: Path, of: str, fields: Mapping[str, Field], given: Mapping[str, Any]) -> dict[str, Any]:
        for name in unknown(fields, list(map(str, given))):
            self._wrong((*path, name), f"{self._name}: “{of}” has no field “{name[:60]}”.")
        return {name: self._field(path, name, field, given, of) for name, field in fields.items()}

    def _field(self, path: Path, name: str, field: Field, given: Mapping[str, Any], of: str = "") -> Any:
        value = given.get(name)
        if value is None or (not field.required and value == field.default):
            if field.required:
                self._wrong((*path, name), f"{self._name}{f': in “{of}”' if of else ''}, “{name}” is missing.")
            return list(field.default) if isinstance(field.default, tuple) else field.default
        if not field.required and value in ("", [], ()):
            return list(field.default) if isinstance(field.default, tuple) else field.default
        try:
            return field.check(value)
        except BadField as error:
            where = f": in “{of}”, " if of else ": "
            self._wrong((*path, name), f"{self._name}{where}“{name}” {error}.")
            return field.default

    def _wrong(self, path: Path, sentence: str) -> None:
        self.problems.append(Problem(path, sentence))


def _other(verdicts: list[str]) -> str:
    return next(one for one in verdicts if one != "drop").replace("_", " ")


def leaves(rule: Rule) -> list[Mapping[str, Any]]:
    """Every single condition of a checked rule, exceptions included."""
    found: list[Mapping[str, Any]] = []
    waiting: list[Mapping[str, Any]] = [rule["when"], *rule["except"]]
    while waiting:
        one = waiting.pop()
        inner = next((one[kind] for kind in GROUPS if kind in one), None)
        if inner is None:
            found.append(one)
        else:
            waiting += inner
    return found
