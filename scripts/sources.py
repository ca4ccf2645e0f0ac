"""The sentences of Letterlock that recipients and senders read, found in its templates and Python files."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

from branding.catalogues import Source

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("templates", "portal", "branding")
OFFICE = (
    "templates/console",
    "templates/demo",
    "templates/mail/alarm",
    "templates/mail/invitation",
    "templates/mail/monthly",
    "portal/console",
    "portal/operations",
    "portal/access/administrators.py",
    "portal/access/models/people.py:Role",
    "portal/access/delegates.py:NotForYourself",
    "portal/access/delegates.py:Reason",
    "portal/access/alarms.py",
    "portal/access/invitations.py",
    "portal/access/context.py",
    "portal/delivery/records.py",
    "branding/colours.py",
    "portal/vault/template_editing.py",
)
"""What only administrators and the demo's visitors read: shown in English, and in no catalogue. Beginnings of paths;
behind a colon, the one class of a file."""
_ONE = {"_", "_lazy", "gettext", "gettext_lazy", "gettext_noop"}
_TWO = {"ngettext", "ngettext_lazy"}
_STRING = r"""(u?"(?:[^"\\]|\\.)*"|u?'(?:[^'\\]|\\.)*')"""
_CALL = re.compile(rf"\b(n?gettext|_)\({_STRING}(?:,\s*{_STRING})?")


def found(root: Path = ROOT) -> dict[Source, set[str]]:
    """Each sentence, and the files it stands in (POSIX paths below `root`)."""
    places: dict[Source, set[str]] = defaultdict(set)
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix not in (".html", ".txt", ".py") or name.startswith(OFFICE):
                continue
            text = path.read_text(encoding="utf-8")
            for source in _in_python(text, name) if path.suffix == ".py" else _in_template(text):
                places[source].add(name)
    return _joined(places)


def _joined(places: dict[Source, set[str]]) -> dict[Source, set[str]]:
    """A sentence that stands somewhere with a plural is one entry with it, as gettext joins them."""
    plural = {source.one: source for source in places if source.many}
    joined: dict[Source, set[str]] = defaultdict(set)
    for source, names in places.items():
        joined[plural.get(source.one, source)] |= names
    return dict(joined)


def _in_template(text: str) -> Iterator[Source]:
    for match in _CALL.finditer(templatize(text)):
        one, many = (ast.literal_eval(part) if part else "" for part in match.group(2, 3))
        yield Source(one, many if match[1] == "ngettext" else "")


def _in_python(text: str, name: str) -> Iterator[Source]:
    left_out = {entry.partition(":")[2] for entry in OFFICE if entry.startswith(f"{name}:")}
    waiting: list[ast.AST] = [ast.parse(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef) and node.name in left_out:
            continue
        if isinstance(node, ast.Call):
            yield from _called(node)
        waiting.extend(ast.iter_child_nodes(node))


def _called(call: ast.Call) -> Iterator[Source]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    said = [part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if name in _ONE and said:
        yield Source(said[0])
    elif name in _TWO and len(said) >= 2:
        yield Source(said[0], said[1])
