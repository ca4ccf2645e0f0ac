"""Whether a migration may be applied while the old version runs: it only adds, so old INSERTs and SELECTs still work.

The rule is expand and contract (docs/upgrading.md): what a version no longer needs is taken away by a later one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.migrations import Migration, operations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import CheckConstraint, Field, ManyToManyField, Q, UniqueConstraint
from django.db.models.fields import NOT_PROVIDED

_HARMLESS = (
    operations.AlterModelOptions,
    operations.AlterModelManagers,
    operations.RemoveIndex,
    operations.RemoveConstraint,
    operations.RunPython,
)


@dataclass(frozen=True)
class Planned:
    """A migration that is not applied yet."""

    name: str
    faults: tuple[str, ...]
    """Why the old version must not run meanwhile; empty when it may."""
    indexed: tuple[str, ...]
    """Tables that get an index: PostgreSQL lets nobody write to them until it is built."""


def planned() -> list[Planned]:
    """What `prepare` would apply to this database, in order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not executor.loader.applied_migrations:
        return []  # an empty database has no old version
    return [_planned(migration, executor) for migration, _ in plan]


def _planned(migration: Migration, executor: MigrationExecutor) -> Planned:
    before = executor.loader.project_state((migration.app_label, migration.name), at_end=False)
    new = _made_here(migration)
    indexed = {
        operation.model_name
        for operation in migration.operations
        if isinstance(operation, operations.AddIndex) and operation.model_name_lower not in new
    }
    name = f"{migration.app_label}.{migration.name}"
    return Planned(name, tuple(faults(migration, before)), tuple(sorted(indexed)))


def faults(migration: Migration, before: ProjectState) -> Iterable[str]:
    """A sentence for each operation that the old version would not survive; `before` is the state it starts from."""
    state, new = before.clone(), _made_here(migration)
    columns = {(op.model_name_lower, op.name) for op in migration.operations if isinstance(op, operations.AddField)}
    for operation in migration.operations:
        if isinstance(operation, operations.SeparateDatabaseAndState):
            changes = operation.database_operations
        else:
            changes = [operation]
        for change in changes:
            if isinstance(change, operations.AddConstraint) and _binds_nobody(change, migration, before, columns):
                continue
            if sentence := _fault(change, migration.app_label, state, new):
                yield sentence
        operation.state_forwards(migration.app_label, state)


def _made_here(migration: Migration) -> set[str]:
    """Models that the old version does not know: whatever is done to them hurts nobody."""
    return {op.name_lower for op in migration.operations if isinstance(op, operations.CreateModel)}


def _binds_nobody(
    change: operations.AddConstraint, migration: Migration, before: ProjectState, columns: set[tuple[str, str]]
) -> bool:
    """Whether no row that the old version writes can be against a constraint: it speaks of columns alone that are made
    here, and whose default it takes; or it asks for less than a column that was unique before."""
    constraint, model = change.constraint, change.model_name_lower
    if isinstance(constraint, CheckConstraint):
        named = set(_columns_of(constraint.condition))
        return bool(named) and all((model, name) in columns for name in named)
    known = before.models.get((migration.app_label, model))
    if not isinstance(constraint, UniqueConstraint) or known is None:
        return False
    return any(name in known.fields and known.fields[name].unique for name in constraint.fields)


def _columns_of(condition: Any) -> Iterable[str]:
    """Names of the fields that a condition speaks of; "" for what is no plain comparison."""
    if not isinstance(condition, Q):
        yield ""
        return
    for child in condition.children:
        if isinstance(child, tuple):
            yield str(child[0]).partition("__")[0]
        else:
            yield from _columns_of(child)


def _fault(operation: Operation, app: str, state: ProjectState, new: set[str]) -> str:
    model = getattr(operation, "model_name", getattr(operation, "name", "")).lower()
    if model in new or isinstance(operation, (operations.CreateModel, operations.AddIndex, *_HARMLESS)):
        return ""
    if isinstance(operation, operations.AddField):
        return _fault_of_new(operation.model_name, operation.name, operation.field)
    if isinstance(operation, operations.AlterField):
        old = state.models[app, model].fields[operation.name]
        return "" if _is_wider(old, operation.field) else _sentence(operation, "narrows or changes a column")
    return _sentence(operation, "takes away, renames or restricts what the old version uses")


def _fault_of_new(model: str, name: str, field: Field[Any, Any]) -> str:
    if field.null or isinstance(field, ManyToManyField) or field.db_default is not NOT_PROVIDED:
        return ""
    return (
        f"{model}.{name} has no default in the database, so the old version could add no row. "
        "Give it db_default, or let it be null."
    )


def _is_wider(old: Field[Any, Any], new: Field[Any, Any]) -> bool:
    """The same column, or one that takes more: longer, or null as well."""
    if type(old) is not type(new) or (old.null and not new.null) or (new.unique and not old.unique):
        return False
    if old.db_default is not NOT_PROVIDED and new.db_default is NOT_PROVIDED and not new.null:
        return False
    return new.max_length is None or (old.max_length is not None and new.max_length >= old.max_length)


def _sentence(operation: Operation, what: str) -> str:
    return f"{operation.describe()}: {what}. Do it in a later version, when nothing uses it any more."
