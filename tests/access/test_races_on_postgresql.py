"""The races again where rows are locked one by one and writers do not wait for each other by themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import PostgreSQL

ROOT = Path(__file__).resolve().parent.parent.parent
RACES = (
    "tests/access/test_races.py", "tests/access/test_office_races.py", "tests/reading/test_posting_races.py",
    "tests/vault/test_narrowing_races.py",
)  # fmt: skip
PYTEST = (sys.executable, "-m", "pytest", "-q")


@pytest.mark.servers
def test_the_races_end_alike_on_postgresql(postgresql: PostgreSQL) -> None:
    done = subprocess.run(
        [*PYTEST, *RACES, "--reuse-db", "--ds", "tests.access.on_postgresql"],
        cwd=ROOT,
        env={**os.environ, "TEST_POSTGRESQL_URL": postgresql.url},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
