"""The keyring in a PostgreSQL database: the rules of all keyrings, several hosts at once, a database that is away."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from portal.keys.errors import (
    KeyDestroyed,
    KeyringDamaged,
    KeyringForeign,
    KeyringMissing,
    ProviderUnavailable,
    SettingRefused,
    VersionConflict,
)
from portal.keys.keyrings import keyring_of
from portal.keys.objects import Contents
from portal.keys.postgresql import PostgresqlKeyring
from portal.keys.provider import LocalFile
from portal.keys.service import KeyService
from portal.keys.tree import Tree
from tests.keys.rules import KeyringRules
from tests.servers import PostgreSQL

pytestmark = pytest.mark.servers
fork = multiprocessing.get_context("fork")


@pytest.fixture
def provider(tmp_path: Path) -> LocalFile:
    return LocalFile.create(tmp_path / "root.key")


@pytest.fixture
def url(postgresql: PostgreSQL) -> Iterator[str]:
    """A fresh database."""
    name = f"keys_{uuid4().hex}"
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgresql.url.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def unmade(url: str, provider: LocalFile) -> PostgresqlKeyring:
    return PostgresqlKeyring(url, provider)


@pytest.fixture
def keyring(unmade: PostgresqlKeyring) -> PostgresqlKeyring:
    unmade.initialise(b"anchor")
    return unmade


class TestPostgresqlKeyring(KeyringRules):
    """The rules, in a database."""


def test_its_address_chooses_it_and_shows_no_password(provider: LocalFile) -> None:
    chosen = keyring_of("postgresql://letterlock:hush@db.example/keys", provider)
    assert isinstance(chosen, PostgresqlKeyring)
    assert "hush" not in repr(chosen)


def test_an_address_that_is_none_names_the_setting(provider: LocalFile) -> None:
    with pytest.raises(SettingRefused, match="LETTERLOCK_KEYRING_URL"):
        keyring_of("postgresql://[half", provider)


def test_a_database_without_a_keyring_is_said_to_have_none(unmade: PostgresqlKeyring) -> None:
    for use in (
        unmade.names,
        lambda: unmade.read("one"),
        lambda: unmade.public("one"),
        lambda: unmade.create("one", b""),
        lambda: unmade.publish("one", b""),
        lambda: unmade.replace("one", b"", expected=1),
        lambda: unmade.destroy("one", expected=1),
    ):
        with pytest.raises(KeyringMissing, match="LETTERLOCK_KEYRING_URL"):
            use()
    assert not unmade.exists()


def test_a_keyring_in_parts_is_damaged_and_not_made_anew(keyring: PostgresqlKeyring, url: str) -> None:
    keyring.create("one", b"x")
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM letterlock_keyring WHERE name = 'secrets'")
    for use in (keyring.names, lambda: keyring.read("secrets"), lambda: keyring.initialise(b"another")):
        with pytest.raises(KeyringDamaged):
            use()
    assert keyring.exists()


def test_the_database_of_messages_is_refused(url: str, unmade: PostgresqlKeyring) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE django_migrations (id int)")
    with pytest.raises(SettingRefused, match="a database of its own"):
        unmade.initialise(b"anchor")


def test_damage_and_another_root_key_are_told_apart(keyring: PostgresqlKeyring, url: str, tmp_path: Path) -> None:
    keyring.create("one", b"content")
    keyring.create("two", b"content")
    with pytest.raises(KeyringForeign):
        PostgresqlKeyring(url, LocalFile.create(tmp_path / "other.key")).read("one")
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE letterlock_keyring SET sealed = (SELECT sealed FROM letterlock_keyring WHERE name = 'two') "
            "WHERE name = 'one'"
        )
        connection.execute("UPDATE letterlock_keyring SET version = 7 WHERE name = 'two'")
    for name in ("one", "two"):
        with pytest.raises(KeyringDamaged):
            keyring.read(name)


def test_what_is_destroyed_is_in_no_row(keyring: PostgresqlKeyring, url: str) -> None:
    keyring.create("one", b"x" * 5000)
    keyring.destroy("one", expected=1)
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT sealed, public, gone FROM letterlock_keyring WHERE name = 'one'").fetchone()
    assert row == (None, None, True)


def test_sweeping_takes_replaced_bytes_out_of_the_tables_file(keyring: PostgresqlKeyring, url: str) -> None:
    keyring.create("one", os.urandom(3_000_000))
    keyring.replace("one", b"", expected=1)
    keyring.sweep()
    with psycopg.connect(url) as connection:
        size = connection.execute("SELECT pg_total_relation_size('letterlock_keyring')").fetchone()
    assert size is not None and size[0] < 1_000_000
    assert keyring.read("one") == (2, b"")


def test_of_hosts_that_change_one_version_one_wins(keyring: PostgresqlKeyring, url: str, provider: LocalFile) -> None:
    keyring.create("count", b"0")

    def count_up() -> None:
        mine = PostgresqlKeyring(url, provider)
        for _ in range(15):
            while True:
                version, content = mine.read("count")
                try:
                    mine.replace("count", b"%d" % (int(content) + 1), expected=version)
                except VersionConflict:
                    continue
                break

    hosts = [fork.Process(target=count_up) for _ in range(3)]
    for host in hosts:
        host.start()
    for host in hosts:
        host.join(120)
    assert [host.exitcode for host in hosts] == [0, 0, 0]
    assert keyring.read("count") == (46, b"45")


def test_two_hosts_that_destroy_at_once_both_hold(keyring: PostgresqlKeyring, url: str, provider: LocalFile) -> None:
    keyring.create("epoch-forever.0", _fresh())
    hosts = [KeyService(provider, PostgresqlKeyring(url, provider)) for _ in range(2)]

    def destroy(host: KeyService, numbers: range) -> None:
        for number in numbers:
            host.puncture("forever.0", number, None)

    threads = [
        threading.Thread(target=destroy, args=(hosts[0], range(0, 10))),
        threading.Thread(target=destroy, args=(hosts[1], range(10, 20))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    third = KeyService(provider, PostgresqlKeyring(url, provider))
    for number in range(20):
        with pytest.raises(KeyDestroyed):
            third.leaf("forever.0", number, 0)
    assert len(third.leaf("forever.0", 20, 0)) == 32


def test_first_starts_at_once_make_one_keyring(url: str, provider: LocalFile) -> None:
    results: list[str] = []

    def start(content: bytes) -> None:
        try:
            PostgresqlKeyring(url, provider).initialise(content, Contents({"one": content}))
            results.append("made")
        except VersionConflict:
            results.append("there")

    threads = [threading.Thread(target=start, args=(b"%d" % number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["made", "there", "there", "there"]
    made = PostgresqlKeyring(url, provider)
    assert made.read("one")[1] == made.read("secrets")[1]


def test_a_lost_connection_is_made_again(keyring: PostgresqlKeyring, postgresql: PostgreSQL) -> None:
    keyring.create("one", b"first")
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'letterlock-keyring'"
        )
    keyring.replace("one", b"second", expected=1)
    assert keyring.read("one") == (2, b"second")


def test_a_database_that_is_away_is_a_reason_to_wait_and_names_no_password(provider: LocalFile) -> None:
    away = PostgresqlKeyring("postgresql://someone:hush@127.0.0.1:1/keys", provider)
    with pytest.raises(ProviderUnavailable, match="LETTERLOCK_KEYRING_URL") as raised:
        away.read("one")
    assert "hush" not in str(raised.value)
    assert "someone" not in str(raised.value)


def test_a_child_of_a_process_with_a_connection_leaves_it_alone(keyring: PostgresqlKeyring) -> None:
    keyring.create("one", b"first")

    def forget() -> None:
        # As KeyService does in a child: closing the parent's connection there would end it for the parent too.
        keyring._connection = None
        gc.collect()

    child = fork.Process(target=forget)
    child.start()
    child.join(120)
    assert child.exitcode == 0
    assert keyring.read("one") == (1, b"first")


def _fresh() -> bytes:
    return Tree.fresh().encode()
