"""A real door in this process, with a spool of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.ingest import spoolfolder
from tests.ingest.doors import RunningDoor


@pytest.fixture
def spool_folder() -> Iterator[Path]:
    """The spool folder, empty before and after."""
    folder = spoolfolder.folder()
    empty(folder)
    yield folder
    empty(folder)


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != ".lock":
            path.unlink()


@pytest.fixture
def door(transactional_db: None, spool_folder: Path) -> Iterator[RunningDoor]:
    """A door that listens on a free port until the test ends."""
    with RunningDoor() as running:
        yield running
