"""A keyring in a PostgreSQL database of its own, for installations of several hosts.

One row an object: its sealed bytes, what it published, or that it is gone. Each change is one transaction that compares
the version, so of two hosts that change an object at once one does, and the other reads again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from portal.keys.errors import (
    KeyDestroyed,
    KeyringDamaged,
    KeyringForeign,
    KeyringMissing,
    KeysError,
    NoSuchKey,
    ProviderUnavailable,
    SettingRefused,
    VersionConflict,
)
from portal.keys.objects import ANCHOR, NOTHING, Contents, Header, check_name, open_object, parse, seal_object
from portal.keys.provider import Provider

CONNECT_SECONDS = 2
STATEMENT_SECONDS = 20  # a tree after 10,000 punctures has 50 MB
_TABLE = """
CREATE TABLE IF NOT EXISTS letterlock_keyring (
    name text PRIMARY KEY,
    version bigint NOT NULL,
    sealed bytea,
    public bytea,
    gone boolean NOT NULL DEFAULT false,
    CHECK (NOT gone OR (sealed IS NULL AND public IS NULL))
) WITH (
    -- Replaced rows are swept within a minute, however few they are: they hold keys of what has died.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 0
)
"""
Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")


class PostgresqlKeyring:
    """Raises what Keyring does; ProviderUnavailable also while the database is away. Safe between threads and hosts."""

    def __init__(self, url: str, provider: Provider) -> None:
        self._url = settled(url)
        self._provider = provider
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def __repr__(self) -> str:
        return "<PostgresqlKeyring>"  # its address holds a password

    def initialise(self, content: bytes, rest: Contents = NOTHING) -> None:
        """Make table and keyring, in one transaction."""
        objects = {**rest.objects, ANCHOR: content}
        rows: list[tuple[object, ...]] = [
            (name, 1, seal_object(self._provider, check_name(name), 1, opened), rest.public.get(name), False)
            for name, opened in objects.items()
        ]
        rows += [(check_name(name), 0, None, None, True) for name in rest.gone]

        def make(connection: Connection) -> None:
            # Two first starts at once: IF NOT EXISTS alone can still fail on the catalogue's own index.
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('letterlock_keyring'))")
            connection.execute(_TABLE)
            there = {name for (name,) in connection.execute("SELECT name FROM letterlock_keyring")}
            if ANCHOR in there:
                raise VersionConflict("A keyring is there already; a first start does not replace it.")
            if there:
                raise KeyringDamaged
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO letterlock_keyring VALUES (%s, %s, %s, %s, %s)", rows)

        self._do(make)

    def exists(self) -> bool:
        """Whether a keyring is here, whole or in parts."""
        try:
            return bool(self._rows("SELECT 1 FROM letterlock_keyring LIMIT 1"))
        except KeyringMissing:
            return False

    def names(self) -> list[str]:
        """The objects that live, sorted."""
        self._require()
        rows = self._rows('SELECT name FROM letterlock_keyring WHERE sealed IS NOT NULL ORDER BY name COLLATE "C"')
        return [name for (name,) in rows]

    def gone(self) -> list[str]:
        """The objects that were destroyed, sorted."""
        self._require()
        return [
            name for (name,) in self._rows('SELECT name FROM letterlock_keyring WHERE gone ORDER BY name COLLATE "C"')
        ]

    def read(self, name: str) -> tuple[int, bytes]:
        """Version and content of an object."""
        try:
            return self._opened(name)
        except KeyringForeign:
            # It may have been sealed anew while we held its old bytes, and the old root key has gone since.
            return self._opened(name)

    def _opened(self, name: str) -> tuple[int, bytes]:
        version, stored = self._load(name, "sealed")
        opened = open_object(self._provider, name, stored)
        if opened[0] != version:
            raise KeyringDamaged
        return opened

    def header(self, name: str) -> Header:
        """An object's version and wrapped key, as they stand there."""
        version, start = self._load(name, "substring(sealed FOR 66000)")
        header = parse(start)
        if header.version != version:
            raise KeyringDamaged
        return header

    def create(self, name: str, content: bytes) -> None:
        """A new object, at version 1."""
        self._require()
        sealed = seal_object(self._provider, check_name(name), 1, content)
        if not self._changed(
            "INSERT INTO letterlock_keyring (name, version, sealed) VALUES (%s, 1, %s) ON CONFLICT DO NOTHING",
            (name, sealed),
        ):
            raise self._refusal(name)

    def replace(self, name: str, content: bytes, expected: int) -> None:
        """New content at version `expected` + 1."""
        self._require()
        sealed = seal_object(self._provider, check_name(name), expected + 1, content)
        if not self._changed(
            "UPDATE letterlock_keyring SET version = version + 1, sealed = %s "
            "WHERE name = %s AND version = %s AND sealed IS NOT NULL",
            (sealed, name, expected),
        ):
            raise self._refusal(name)

    def destroy(self, name: str, expected: int) -> None:
        """Remove an object with what it published, for good."""
        self._require()
        if not self._changed(
            "UPDATE letterlock_keyring SET sealed = NULL, public = NULL, gone = true "
            "WHERE name = %s AND version = %s AND sealed IS NOT NULL",
            (check_name(name), expected),
        ):
            raise self._refusal(name)

    def public(self, name: str) -> bytes:
        """What was published under a name; needs no root key."""
        return self._load(name, "public")[1]

    def publish(self, name: str, content: bytes, *, before: bytes | None = None) -> None:
        """Put `content` beside an object, in clear; VersionConflict when what is there is neither it nor `before`."""
        self._require()
        if not self._changed(
            "UPDATE letterlock_keyring SET public = %s "
            "WHERE name = %s AND NOT gone AND (public IS NULL OR public IN (%s, %s))",
            (content, check_name(name), content, content if before is None else before),
        ):
            raise self._refusal(name)

    def sweep(self) -> None:
        """Rewrite the table without the bytes of replaced and destroyed objects, as far as the disk allows."""

        def vacuum(connection: Connection) -> None:
            connection.execute("VACUUM FULL letterlock_keyring")

        self._do(vacuum, transaction=False)

    def _load(self, name: str, column: str) -> tuple[int, bytes]:
        """A row's version and one of its columns (of our own naming)."""
        statement = f"SELECT version, {column} FROM letterlock_keyring WHERE name = %s"  # noqa: S608 # names of ours alone
        rows = self._rows(statement, (check_name(name),))
        if not rows or rows[0][1] is None:
            raise self._absent(name)
        return rows[0][0], bytes(rows[0][1])

    def _require(self) -> None:
        if not self._rows("SELECT 1 FROM letterlock_keyring WHERE name = %s AND sealed IS NOT NULL", (ANCHOR,)):
            raise self._absent(ANCHOR)

    def _refusal(self, name: str) -> KeysError:
        """Why a comparing change changed nothing."""
        rows = self._rows("SELECT sealed IS NULL FROM letterlock_keyring WHERE name = %s", (name,))
        return VersionConflict() if rows and not rows[0][0] else self._absent(name)

    def _absent(self, name: str) -> KeysError:
        """Why there is no such object: no keyring at all, one in parts, destroyed, or never made."""
        gone = dict(self._rows("SELECT name, gone FROM letterlock_keyring WHERE name IN (%s, %s)", (ANCHOR, name)))
        if gone.get(ANCHOR) is False:
            return KeyDestroyed() if gone.get(name) else NoSuchKey()
        return KeyringDamaged() if self.exists() else KeyringMissing()

    def _rows(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return self._do(lambda connection: connection.execute(statement, values, binary=True).fetchall())

    def _changed(self, statement: str, values: tuple[object, ...]) -> bool:
        return self._do(lambda connection: connection.execute(statement, values).rowcount == 1)

    def _do(self, work: Callable[[Connection], T], *, transaction: bool = True) -> T:
        """Do it in one transaction, on a fresh connection when the one from before has died.

        Safe to do twice: every change compares what it finds, and what was done already conflicts.
        """
        with self._lock, _database():
            for fresh in (False, True):
                try:
                    connection = self._connected(fresh=fresh)
                    if not transaction:
                        return work(connection)
                    with connection.transaction():
                        return work(connection)
                except (psycopg.OperationalError, psycopg.InterfaceError):
                    if fresh or (self._connection is not None and not self._connection.broken):
                        raise
            raise ProviderUnavailable

    def _connected(self, *, fresh: bool) -> Connection:
        kept = self._connection
        if kept is not None and not kept.closed and not fresh:
            return kept
        self._connection = None
        made = psycopg.connect(self._url, autocommit=True)
        # A restored dump of messages beside their keys would bring back what was destroyed.
        if made.execute("SELECT to_regclass('django_migrations') IS NOT NULL").fetchone() == (True,):
            made.close()
            raise SettingRefused(
                "LETTERLOCK_KEYRING_URL names a database that holds more than the keyring. "
                "Give the keyring a database of its own, with backups of its own."
            )
        self._connection = made
        return made


def settled(url: str) -> str:
    """The connection string with our time limits, which bound how long mail waits for a host that is gone."""
    try:
        options = conninfo_to_dict(url)
    except psycopg.Error:
        raise SettingRefused(
            "LETTERLOCK_KEYRING_URL is not an address like postgresql://user:password@host/letterlock_keys."
        ) from None
    limits = f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout=5s -c synchronous_commit=on"
    return make_conninfo(
        url,
        connect_timeout=options.get("connect_timeout") or CONNECT_SECONDS,
        tcp_user_timeout=STATEMENT_SECONDS * 1000,
        application_name="letterlock-keyring",
        options=f"{options.get('options') or ''} {limits}".strip(),
    )


@contextmanager
def _database() -> Iterator[None]:
    """A database that is away or full is a reason to wait; a missing table is a missing keyring."""
    try:
        yield
    except psycopg.errors.UndefinedTable:
        raise KeyringMissing from None
    except psycopg.Error as error:
        # Its text may hold host and user: only its kind is shown.
        raise ProviderUnavailable(
            f"The keyring's database (LETTERLOCK_KEYRING_URL) does not work ({type(error).__name__}). "
            "Start or mend it; mail waits until then."
        ) from None
