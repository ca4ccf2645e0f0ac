"""The claims again where rows are locked one by one and the planner is another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import PostgreSQL

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.servers
def test_claims_are_alike_on_postgresql(postgresql: PostgreSQL) -> None:
    tests = ["tests/ingest/test_claims.py", "tests/ingest/test_states.py", "tests/ingest/test_pipeline.py"]
    tests += ["tests/reading/test_searching.py::test_the_search_walks_an_index_and_no_table"]
    tests += ["tests/reading/test_inbox.py::test_the_list_walks_an_index_and_no_table"]
    search = "tests/console/test_search.py::test_"
    tests += [f"{search}every_search_ends_in_an_index_and_sorts_nothing"]
    tests += [
        f"{search}a_message_is_found_by_reference_and_by_its_message_id",
        f"{search}pages_follow_each_other_and_end",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *tests, "-q", "--reuse-db", "--ds", "tests.access.on_postgresql"],
        cwd=ROOT,
        env={**os.environ, "TEST_POSTGRESQL_URL": postgresql.url},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
