"""What a function of ours can come to call, read from the sources: names are followed through imports, not guessed."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.servers import ROOT

PACKAGES = ("portal", "branding")
Place = tuple[str, str]
"""Module and dotted name within it, like ("portal.audit.record", "record")."""


@dataclass
class Module:
    """What a module defines and imports. `bodies` holds functions, classes, methods and constants by dotted name."""

    bodies: dict[str, list[ast.AST]] = field(default_factory=dict)
    imported: dict[str, Place] = field(default_factory=dict)
    """Local name to what it stands for; the second part is empty for a whole module."""


@cache
def modules() -> dict[str, Module]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                found[_dotted(path)] = path
    return {name: _read(name, path, found.keys()) for name, path in found.items()}


def reachable(start: Place, beyond: Collection[Place] = ()) -> set[Place]:
    """Everything that the body of `start` names, and what that names in turn, but nothing that is reached through
    `beyond` alone. What decorates it is left out."""
    seen: set[Place] = set(beyond)
    waiting = [start]
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        waiting += _named(place)
    return seen


def decorators(place: Place) -> list[str]:
    """As written, like `require_safe` or `permission_required(May.RULES)`."""
    module = modules()[place[0]]
    return [ast.unparse(d) for node in module.bodies[place[1]] for d in getattr(node, "decorator_list", ())]


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read(name: str, path: Path, known: object) -> Module:
    tree = ast.parse(path.read_text())
    module = Module()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = whole in known  # type: ignore[operator]
                module.imported[alias.asname or alias.name] = (whole, "") if is_module else (node.module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                module.imported[alias.asname or alias.name] = (alias.name, "")
    for node in tree.body:
        for target, body in _definitions(node):
            module.bodies.setdefault(target, []).append(body)
    return module


def _definitions(node: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name, node
    elif isinstance(node, ast.ClassDef):
        yield node.name, node
        for inner in node.body:
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{node.name}.{inner.name}", inner
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name):
                yield target.id, node.value


def _named(place: Place) -> list[Place]:
    module = modules().get(place[0])
    if module is None:
        return []
    own = place[1].split(".")[0]
    found: list[Place] = []
    for body in module.bodies.get(place[1], []):
        for node in _inside(body):
            if isinstance(node, ast.Attribute):
                found += _attribute(place[0], own, node)
            elif isinstance(node, ast.Name):
                found += _name(place[0], node.id)
    return found


def _inside(body: ast.AST) -> Iterator[ast.AST]:
    """A function without what decorates it."""
    if isinstance(body, ast.FunctionDef | ast.AsyncFunctionDef):
        for statement in body.body:
            yield from ast.walk(statement)
    else:
        yield from ast.walk(body)


def _name(module: str, name: str) -> list[Place]:
    here = modules()[module]
    if name in here.bodies:
        return [(module, name)]
    if name not in here.imported:
        return []
    target, inner = here.imported[name]
    if not inner:
        return []
    # What a package's __init__ hands on is looked up where it comes from.
    there = modules().get(target)
    if there is not None and inner not in there.bodies and inner in there.imported:
        return _name(target, inner)
    return [(target, inner)]


def _attribute(module: str, own: str, node: ast.Attribute) -> list[Place]:
    if not isinstance(node.value, ast.Name):
        return []
    if node.value.id in ("self", "cls"):
        return [(module, f"{own}.{node.attr}")]
    target, inner = modules()[module].imported.get(node.value.id, ("", ""))
    if target and not inner:
        return [(target, node.attr)]
    return []
