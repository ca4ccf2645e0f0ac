"""Races and claims again where rows are locked one by one, and the planner is another."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.servers import ROOT, PostgreSQL

SEARCH = "tests/console/test_search.py::test_"
RACES = (
    *("tests/access/test_races.py", "tests/access/test_office_races.py", "tests/reading/test_posting_races.py"),
    *(
        "tests/vault/test_narrowing_races.py",
        "tests/writing/test_forwarding_races.py",
        "tests/sent/test_adding_races.py",
    ),
    *(
        "tests/access/test_limit_races.py",
        "tests/operations/test_ending_races.py",
        "tests/ingest/test_deciding_races.py",
    ),
    *("tests/test_leases.py", "tests/leases_on_postgresql.py"),
    *("tests/ingest/test_claims.py", "tests/ingest/test_states.py", "tests/ingest/test_pipeline.py"),
    "tests/ingest/test_hourly.py::test_processes_that_ask_at_once_are_given_no_recipient_twice",
    f"{SEARCH}a_message_is_found_by_reference_and_by_its_message_id",
    f"{SEARCH}pages_follow_each_other_and_end",
)
PLANS = (
    f"{SEARCH}every_search_ends_in_an_index_and_sorts_nothing",
    "tests/reading/test_inbox.py::test_the_list_walks_an_index_and_no_table",
    "tests/reading/test_searching.py::test_the_search_walks_an_index_and_no_table",
)
"""In a database of their own: what others leave of statistics and dead rows would tell the planner something else."""


@pytest.mark.servers
@pytest.mark.parametrize("tests", [RACES, PLANS], ids=["races", "plans"])
def test_races_claims_and_plans_end_alike_on_postgresql(postgresql: PostgreSQL, tests: tuple[str, ...]) -> None:
    """One run for all: to begin one takes seconds."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *tests, "-q", "--reuse-db", "--ds", "tests.access.on_postgresql"],
        cwd=ROOT,
        env={**os.environ, "TEST_POSTGRESQL_URL": postgresql.url},
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
