"""What takes seconds to make and is the same for every test: made once a run, by whichever process needs it first."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

_PLACE = "TESTS_SHARED"
"""Environment variable with the folder; processes that are started find it there."""


def place() -> Path:
    """The folder of this run; who makes it takes it away when they end."""
    if _PLACE not in os.environ:
        os.environ[_PLACE] = made = tempfile.mkdtemp(prefix="letterlock-shared-")
        atexit.register(_remove, made, os.getpid())
    return Path(os.environ[_PLACE])


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """What `make` has put where it was told to, a path that was not there. To be copied, never to be changed."""
    made = place() / name
    with (place() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            half = place() / f"{name}.half"
            if half.exists():  # whoever began it failed
                shutil.rmtree(half)
            make(half)
            half.rename(made)
    return made


def _remove(folder: str, maker: int) -> None:
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)
