"""For all tests: keys to seal with, real servers, one worker for what needs the whole machine, and loud skips."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings

from portal.rules import live
from tests import shared
from tests.secrecy import EAR, listen_to_rooms
from tests.servers import S3, Portal, PostgreSQL, Redis, ready_folder

_SECRECY = pytest.StashKey[list[str]]()
_WORKER_FINDINGS = "letterlock_secrecy"


# The same examples in every run, and how busy the machine is says nothing about a property. Whoever changes what a
# property is about looks further: pytest --hypothesis-profile=explore tests/mime
_ANY_MACHINE: dict[str, Any] = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("suite", derandomize=True, **_ANY_MACHINE)
hypothesis.settings.register_profile("explore", derandomize=False, **_ANY_MACHINE)
hypothesis.settings.load_profile("suite")


def pytest_configure() -> None:
    shared.place()  # before any worker begins: it is one for all
    os.environ["AIOSMTPD_CONTROLLER_TIMEOUT"] = "120"  # seconds until a server of its is there, on a busy machine
    gc.disable()  # thousands of tests are made, and none of them is ever garbage


def pytest_collection_finish() -> None:
    """Django is set up and every room imported: now what only they know can be listened to."""
    gc.freeze()  # what stays is not looked at again and again, and forks share it
    gc.enable()
    listen_to_rooms()


@pytest.fixture(scope="session", autouse=True)
def _keyring() -> None:
    """A root key and a keyring in this process's data folder, with the keys of today."""
    from datetime import UTC, datetime

    from portal.keys.service import keys
    from portal.operations.preparing import make_data_folder, make_keys

    make_data_folder(settings.LETTERLOCK)
    make_keys(settings.LETTERLOCK, used_database=False)
    keys().prepare(datetime.now(UTC).date(), {settings.LETTERLOCK.open_days, None})


@pytest.fixture
def clinic_inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """aldervalley.example is inside, and no rules are known from before."""
    changed = replace(settings.LETTERLOCK, inside_domains=("aldervalley.example",))
    monkeypatch.setattr(settings, "LETTERLOCK", changed)
    live.forget()
    yield
    live.forget()


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """Workers begin with a copy of one database with tables; a process alone makes its own, which is quicker."""
    if not hasattr(request.config, "workerinput"):
        return bool(request.config.option.reuse_db)
    shutil.copy(ready_folder() / "letterlock.sqlite3", settings.DATABASES["default"]["TEST"]["NAME"])
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The record's guards would refuse to empty the tables after a test; tests/audit/test_guarding.py has them up."""
    from django.db import connection

    from portal.audit import guarding

    with django_db_blocker.unblock():
        assert not guarding.missing(connection)
        guarding.remove(connection)


@pytest.fixture(scope="session")
def _postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    with PostgreSQL(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture
def postgresql(_postgresql: PostgreSQL) -> PostgreSQL:
    """A real PostgreSQL with a database of this test's own, in which are Letterlock's tables and no rows; its address
    `postgresql.url` is a LETTERLOCK_DATABASE_URL. `postgresql.new_database()` gives one with nothing in it.
    """
    _postgresql.new_database(tables=True)
    return _postgresql


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A real Redis; `redis.url` is a LETTERLOCK_BROKER_URL."""
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A real S3-compatible server with an empty bucket; `s3.url` is a LETTERLOCK_BLOB_URL."""
    with S3() as server:
        yield server


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    """A whole Letterlock of its own, without demo data, stopped afterwards."""
    with Portal(tmp_path / "data", LETTERLOCK_DEMO="off", LETTERLOCK_INSIDE_DOMAINS="aldervalley.example") as running:
        yield running


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of several workers, none shall begin the longest files when the others are through: they come first.

    Files with real servers and browsers have few tests and take minutes; scripts/test.sh asks pytest-xdist, which
    gives out files by their number of tests, to keep this order.
    """
    if hasattr(config, "workerinput"):
        long = {item.path for item in items if any(map(item.get_closest_marker, ("servers", "browser")))}
        items.sort(key=lambda item: item.path not in long)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes have no name of their own: random ones would give each worker other names, and pytest-xdist stops then."""
    return "bytes" if isinstance(val, bytes) else None


def pytest_testnodedown(node: Any) -> None:
    """What a worker found in its own logs comes to the process that reports."""
    node.config.stash.setdefault(_SECRECY, []).extend(getattr(node, "workeroutput", {}).get(_WORKER_FINDINGS, ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Search all that was written for every secret that was made: one that is found fails the run."""
    found = session.config.stash.setdefault(_SECRECY, [])
    found += map(str, EAR.findings())
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_WORKER_FINDINGS] = found
    elif found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end, in colour, what did not run and why, and which secrets were written where."""
    if leaks := terminalreporter.config.stash.get(_SECRECY, []):
        terminalreporter.section(f"{len(leaks)} SECRETS WRITTEN", sep="!", red=True, bold=True)
        for leak in sorted(set(leaks)):
            terminalreporter.line(leak, red=True)
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section(f"{len(skipped)} NOT RUN", sep="!", red=True, bold=True)
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.line(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}", red=True)
