"""Rows of mail that was taken in, by one statement that is put together once: for each batch anew it took the door's
committer a third of its time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from django.db import connection
from django.db.models import Field
from django.db.models.sql import InsertQuery

from portal.ingest.models import Spooled

_GIVEN = ("id", "received_at", "due_at", "bulk", "door_key", "size", "recipients")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Taken(Protocol):
    """A mail whose bytes are durable."""

    @property
    def id(self) -> UUID: ...
    @property
    def bulk(self) -> bool: ...
    @property
    def door_key(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def recipients(self) -> int: ...


def insert(taken: Sequence[Taken], now: datetime) -> None:
    """One row for each, due now, in the caller's transaction; what is not given has its default."""
    statement, id_field, time_field, defaults = _prepared(connection.vendor)
    at = time_field.get_db_prep_save(now, connection)
    rows = [
        (
            id_field.get_db_prep_save(mail.id, connection),
            at, at, mail.bulk, mail.door_key, mail.size, mail.recipients, *defaults,
        )
        for mail in taken
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


@lru_cache(maxsize=2)
def _prepared(_vendor: str) -> tuple[str, Field[Any, Any], Field[Any, Any], tuple[object, ...]]:
    """Django's own statement for one row, the fields of ids and times, and the values behind the given ones."""
    by_name = {field.name: field for field in Spooled._meta.concrete_fields}
    given = [by_name.pop(name) for name in _GIVEN]
    query = InsertQuery(Spooled)
    query.insert_values([*given, *by_name.values()], [Spooled(received_at=_EPOCH, due_at=_EPOCH, size=0, recipients=0)])
    ((statement, values),) = query.get_compiler(connection=connection).as_sql()
    return statement, given[0], given[1], tuple(values[len(given) :])
