"""Pulling the plug at a named place in a process that a test starts; sitecustomize.py here does it."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent


def at(place: str, when: str, count: int = 1, once: Path | None = None) -> dict[str, str]:
    """Environment for a process that gets SIGKILL at `place` ("module:function" or "module:Class.method").

    `when` is "before" or "after" the call, `count` which call it is. With `once`, a file that does not exist yet,
    only the first process that gets there dies.
    """
    path = os.pathsep.join(filter(None, (str(FOLDER), os.environ.get("PYTHONPATH", ""))))
    environment = {"PYTHONPATH": path, "LETTERLOCK_TEST_FAULT": f"{place}:{when}:{count}"}
    if once is not None:
        environment["LETTERLOCK_TEST_FAULT_ONCE"] = str(once)
    return environment


def poison(place: str) -> dict[str, str]:
    """Environment for processes in which `place` ("module:function") crashes, loops or eats memory on certain bytes."""
    path = os.pathsep.join(filter(None, (str(FOLDER), os.environ.get("PYTHONPATH", ""))))
    return {"PYTHONPATH": path, "LETTERLOCK_TEST_POISON": place}
