"""The doctor and the figures on PostgreSQL: the same questions, answered from its indexes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.servers import Portal, PostgreSQL

pytestmark = pytest.mark.servers


def test_the_doctor_asks_postgresql_for_its_version_and_its_clock(postgresql: PostgreSQL, tmp_path: Path) -> None:
    portal = Portal(tmp_path / "data", LETTERLOCK_DEMO="off", LETTERLOCK_DATABASE_URL=postgresql.url)
    portal.manage("prepare")
    found = {
        finding["check"]: finding
        for finding in json.loads(portal.manage("doctor", "--json", check=False).stdout)["findings"]
    }
    assert found["database"]["state"] == "well"
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
