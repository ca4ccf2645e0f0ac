"""The database itself refuses to change or remove what was recorded; the one change that it allows is erasing.

Triggers stop everyone who works through the portal's tables, a program of ours with a fault included. An owner of the
tables can drop them: for that, the portal should connect as a role that owns nothing (`grants`, docs/audit.md).
"""

from __future__ import annotations

from typing import Any

_SENTENCE = "The record is only ever added to."

_SQLITE = {
    "audit_entry_kept": f"BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, '{_SENTENCE}'); END",
    "audit_entry_fixed": f"""BEFORE UPDATE ON audit_entry WHEN NOT (
        NEW.id IS OLD.id AND NEW.at IS OLD.at AND NEW.kind IS OLD.kind AND NEW.message IS OLD.message
        AND NEW.reader IS NULL AND NEW.facts = '{{}}' AND NEW.salt IS NULL
        AND NEW.sealed IS NOT NULL AND OLD.sealed IS NULL)
        BEGIN SELECT RAISE(ABORT, '{_SENTENCE}'); END""",
    "audit_leaf_kept": f"BEFORE DELETE ON audit_leaf BEGIN SELECT RAISE(ABORT, '{_SENTENCE}'); END",
    "audit_leaf_fixed": f"BEFORE UPDATE ON audit_leaf BEGIN SELECT RAISE(ABORT, '{_SENTENCE}'); END",
}

_FUNCTION = f"""
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'audit_entry' THEN
        IF NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.kind = OLD.kind AND NEW.message IS NOT DISTINCT FROM OLD.message
            AND NEW.reader IS NULL AND NEW.facts = '{{}}'::jsonb AND NEW.salt IS NULL
            AND NEW.sealed IS NOT NULL AND OLD.sealed IS NULL
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '{_SENTENCE}' USING ERRCODE = 'insufficient_privilege';
END $$
"""
_POSTGRESQL = {
    f"{table}_{name}": f"BEFORE {event} ON {table} FOR EACH {each} EXECUTE FUNCTION audit_refuse()"
    for table in ("audit_entry", "audit_leaf")
    for name, event, each in (("fixed", "UPDATE OR DELETE", "ROW"), ("kept", "TRUNCATE", "STATEMENT"))
}


def install(connection: Any) -> None:
    """Put the triggers up; again is no harm. A migration that rebuilds these tables on SQLite must do so again."""
    remove(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for name, rest in _triggers(connection).items():
            cursor.execute(f"CREATE TRIGGER {name} {rest}")


def remove(connection: Any) -> None:
    """Take them down: for a test's database, which is emptied after each test."""
    with connection.cursor() as cursor:
        for name, rest in _triggers(connection).items():
            table = rest.split(" ON ")[1].split()[0]
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def missing(connection: Any) -> list[str]:
    """Triggers that are not there, by name."""
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if connection.vendor == "postgresql":
        query = "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'"
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = {row[0] for row in cursor.fetchall()}
    return sorted(_triggers(connection).keys() - found)


def grants(role: str, tables: list[str]) -> list[str]:
    """SQL for PostgreSQL by which `role` may do its work with all `tables` and can change nothing that was recorded."""
    name = '"' + role.replace('"', '""') + '"'
    ours = ("audit_entry", "audit_leaf")
    others = ", ".join(f'"{table}"' for table in sorted(tables) if table not in ours)
    return [
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {others} TO {name}",
        f"REVOKE ALL ON {', '.join(ours)} FROM {name}",
        f"GRANT SELECT, INSERT ON {', '.join(ours)} TO {name}",
        f"GRANT UPDATE (reader, facts, salt, sealed) ON audit_entry TO {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
    ]


def _triggers(connection: Any) -> dict[str, str]:
    return _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
