"""The doctor and the figures on PostgreSQL: the same questions, answered from its indexes."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.servers import Portal, PostgreSQL

pytestmark = pytest.mark.servers


def told(portal: Portal) -> dict[str, dict[str, str]]:
    answer = json.loads(portal.manage("doctor", "--json", check=False).stdout)
    return {finding["check"]: finding for finding in answer["findings"]}


def test_a_postgresql_that_says_kept_before_it_is_on_disk_is_wrong(tmp_path: Path) -> None:
    """The suite's own server is such a one: nobody cuts its power."""
    with PostgreSQL(tmp_path, durable=True) as durable:
        portal = Portal(tmp_path / "data", LETTERLOCK_DEMO="off", LETTERLOCK_DATABASE_URL=durable.url)
        assert told(portal)["database's disk"]["state"] == "well"
        with psycopg.connect(durable.url, autocommit=True) as line:
            line.execute(f"ALTER DATABASE {durable.database} SET synchronous_commit = off")
        found = told(portal)["database's disk"]
    assert found["state"] == "wrong"
    assert "synchronous_commit = off" in found["seen"] and "fsync" not in found["seen"]


def test_the_doctor_asks_postgresql_for_its_version_and_its_clock(postgresql: PostgreSQL, tmp_path: Path) -> None:
    portal = Portal(tmp_path / "data", LETTERLOCK_DEMO="off", LETTERLOCK_DATABASE_URL=postgresql.url)
    portal.manage("prepare")
    found = told(portal)
    assert found["database"]["state"] == "well"
    assert "fsync = off" in found["database's disk"]["seen"], "tests keep nothing over a power cut"
    assert found["database"]["seen"].startswith("PostgreSQL 1")
    assert found["database clock"]["seen"] == "It agrees with this host's."
    assert found["queue seal"]["state"] == "well"
    assert found["workers"]["state"] == "wrong", "none was started"
    postgresql.stop()
    try:
        away = portal.manage("doctor", "--json", check=False)
    finally:
        postgresql.start()
    assert away.returncode == 2
    assert "postgres@" not in away.stdout + away.stderr
    found_away = [(finding["check"], finding["state"]) for finding in json.loads(away.stdout)["findings"]]
    assert ("database", "wrong") in found_away
    # What stands on the database is said once for each heading, and nobody is sent to `prepare` for its tables.
    assert [state for check, state in found_away if check == "queues"] == ["notice"]
    assert "migrations" not in dict(found_away)
    assert away.stderr == ""
