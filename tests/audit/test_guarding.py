"""The database refuses to change the record, whoever asks: triggers on both, and a role of its own on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from portal.audit import erasing, guarding
from portal.audit.models import Entry, Leaf
from portal.audit.record import record
from tests.servers import PostgreSQL

CHANGES = [
    "UPDATE audit_entry SET kind = 'x'",
    "UPDATE audit_entry SET facts = '{}'",
    "UPDATE audit_entry SET reader = NULL, facts = '{}', salt = NULL",
    "UPDATE audit_entry SET reader = NULL, facts = '{\"x\": 1}', salt = NULL, sealed = 'hash'",
    "UPDATE audit_entry SET facts = '{}', salt = NULL, sealed = 'hash'",
    "UPDATE audit_entry SET reader = NULL, facts = '{}', sealed = 'hash'",
    "DELETE FROM audit_entry",
    "UPDATE audit_leaf SET entry = 2",
    "DELETE FROM audit_leaf",
]


@pytest.fixture
def _up(db: None) -> Iterator[None]:
    guarding.install(connection)
    yield
    guarding.remove(connection)


@pytest.mark.usefixtures("_up")
@pytest.mark.parametrize("change", CHANGES)
def test_sqlite_refuses(change: str) -> None:
    record("message.opened", message=uuid.uuid4(), reader=uuid.uuid4(), first=True)
    Leaf.objects.create(index=0, entry=1, hash=bytes(32))
    with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


@pytest.mark.usefixtures("_up")
def test_erasing_is_the_one_change_that_is_allowed_and_only_once() -> None:
    reader = uuid.uuid4()
    entry = record("message.opened", message=uuid.uuid4(), reader=reader, first=True)
    assert erasing.erase([reader], "request") == 1
    with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic():
        Entry.objects.filter(pk=entry.pk).update(sealed=bytes(32))


def test_a_guard_that_is_gone_is_named(db: None) -> None:
    assert "audit_entry_fixed" in guarding.missing(connection)
    guarding.install(connection)
    assert guarding.missing(connection) == []
    guarding.remove(connection)


@pytest.mark.servers
def test_postgresql_refuses_everyone_and_a_role_of_its_own_cannot_even_take_the_guards_down(
    postgresql: PostgreSQL,
) -> None:
    entry = (
        "INSERT INTO audit_entry (at, kind, message, reader, facts, salt) "
        "VALUES (now(), 'message.opened', gen_random_uuid(), gen_random_uuid(), '{\"first\": true}', 'salt')"
    )
    with psycopg.connect(postgresql.url, autocommit=True) as owner:
        owner.execute(entry)
        owner.execute("INSERT INTO audit_leaf VALUES (0, 1, 'hash')")
        for change in [*CHANGES, "TRUNCATE audit_entry", "TRUNCATE audit_leaf"]:
            with pytest.raises(psycopg.DatabaseError, match="only ever added to"):
                owner.execute(change)
        owner.execute("UPDATE audit_entry SET reader = NULL, facts = '{}', salt = NULL, sealed = 'hash'")
        owner.execute("CREATE ROLE letterlock_app")
        tables = [row[0] for row in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for statement in guarding.grants("letterlock_app", tables):
            owner.execute(statement)
        owner.execute("SET ROLE letterlock_app")
        owner.execute(entry)
        owner.execute("DELETE FROM audit_head")
        for change in ("DELETE FROM audit_entry", "TRUNCATE audit_entry", "UPDATE audit_entry SET kind = 'x'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
                owner.execute(change)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("DROP TRIGGER audit_entry_fixed ON audit_entry")
        owner.execute("RESET ROLE")
        owner.execute("DROP OWNED BY letterlock_app")
        owner.execute("DROP ROLE letterlock_app")
