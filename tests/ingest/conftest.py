"""A real door in this process, with a spool of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.ingest import spares, spoolfolder
from tests.ingest.certs import Authority
from tests.ingest.doors import RunningDoor


@pytest.fixture
def spool_folder() -> Iterator[Path]:
    """The spool folder, empty before and after."""
    folder = spoolfolder.folder()
    empty(folder)
    yield folder
    empty(folder)


def empty(folder: Path) -> None:
    spoolfolder._spares.cache_clear()
    for path in folder.iterdir():
        if path.name == spares.NAME:
            shutil.rmtree(path)
        elif path.name != ".lock":
            path.unlink()


@pytest.fixture
def door(transactional_db: None, spool_folder: Path) -> Iterator[RunningDoor]:
    """A door that listens on a free port until the test ends."""
    with RunningDoor() as running:
        yield running


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of these tests."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls_door(transactional_db: None, spool_folder: Path, authority: Authority) -> Iterator[RunningDoor]:
    """A door that offers STARTTLS and asks for client certificates."""
    with RunningDoor(authority.door(ask_clients=True)) as running:
        yield running


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doors that look for changed connectors and certificates every time."""
    monkeypatch.setattr("portal.ingest.roster.FRESH_SECONDS", -1.0)
    monkeypatch.setattr("portal.ingest.smtp.certificates.LOOK_SECONDS", -1.0)
