"""New rows of one model by one prepared statement: what `bulk_create` writes, without its text being made each time.

Django puts a statement of a thousand values together for every call, which took twice as long as SQLite took to carry
it out. Here each row's values come from the model's own fields all the same, so none is written that they would not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import AutoField, BinaryField, Field, Model
from django.db.models.constants import OnConflict

Row = TypeVar("Row", bound=Model)
_AT_ONCE = 1000
"""Rows whose values are in memory at once, besides the rows."""


@dataclass(frozen=True)
class _Plan:
    """The statement for one row of a model, and the fields that its values come from; none where it has special needs.

    The database numbers the rows of a model that has no key of its own.
    """

    statement: str
    fields: tuple[Field[Any, Any], ...]


def insert(rows: Iterable[Row], *, ignore_conflicts: bool = False) -> list[Row]:
    """Write rows of one model, in order, all or none. As with `bulk_create`, no `save` is called and no signal is sent;
    unlike there, rows that the database numbers do not learn their numbers.

    With `ignore_conflicts` a row stays as it is that is there already. Raises what the fields and the database raise.
    """
    made = list(rows)
    if made:
        with transaction.atomic(savepoint=False):
            for start in range(0, len(made), _AT_ONCE):
                _write(made[start : start + _AT_ONCE], ignore_conflicts)
    return made


def _write(rows: Sequence[Model], ignore_conflicts: bool) -> None:
    # Itself, not Django's stand-in for the one of this thread: the fields ask it a dozen things for each row.
    database = connections[DEFAULT_DB_ALIAS]
    model = type(rows[0])
    plan = _plan(model, ignore_conflicts)
    # PostgreSQL's driver takes whole columns in one short statement (UNNEST), which Django makes of it.
    values = _values(plan.fields, rows, database) if plan is not None and database.vendor == "sqlite" else None
    if plan is None or values is None:
        model._default_manager.bulk_create(rows, ignore_conflicts=ignore_conflicts)
        return
    with database.cursor() as cursor:
        cursor.executemany(plan.statement, values)
    for row in rows:
        row._state.adding, row._state.db = False, database.alias


def _values(
    fields: Sequence[Field[Any, Any]], rows: Sequence[Model], database: BaseDatabaseWrapper
) -> list[list[Any]] | None:
    """What is stored of each row; None for what is left to Django: a value is an expression, or a row that the database
    numbers has its number already."""
    if isinstance(rows[0]._meta.pk, AutoField) and any(row.pk is not None for row in rows):
        return None
    values = []
    for row in rows:
        given = [field.pre_save(row, True) for field in fields]
        if any(hasattr(value, "resolve_expression") for value in given):
            return None
        values.append(
            [
                None if value is None else field.get_db_prep_save(value, database)
                for field, value in zip(fields, given, strict=True)
            ]
        )
    return values


@cache
def _plan(model: type[Model], ignore_conflicts: bool) -> _Plan | None:
    fields = tuple(field for field in model._meta.local_concrete_fields if not isinstance(field, AutoField))
    # Bytes have a mark of their own on other databases; any other field with one is left to Django.
    if model._meta.parents or any(_is_special(field) for field in fields):
        return None
    ops = connections[DEFAULT_DB_ALIAS].ops
    begin, quoted = ops.insert_statement(on_conflict=OnConflict.IGNORE if ignore_conflicts else None), ops.quote_name
    columns = ", ".join(quoted(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    return _Plan(f"{begin} {quoted(model._meta.db_table)} ({columns}) VALUES ({marks})", fields)


def _is_special(field: Field[Any, Any]) -> bool:
    return field.generated or (hasattr(field, "get_placeholder") and not isinstance(field, BinaryField))
