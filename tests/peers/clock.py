"""A time of day that can be set while the processes that look at it run (clock.c)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import parts


class Clock:
    """`environment` is for the processes that shall see it."""

    def __init__(self, folder: Path) -> None:
        parts.need("cc")
        library, self._file = folder / "clock.so", folder / "clock"
        source = Path(__file__).with_suffix(".c")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self._file.write_bytes(bytes(8))
        self.environment = {"LD_PRELOAD": str(library), "LETTERLOCK_TEST_CLOCK": str(self._file)}

    def set(self, seconds: int) -> None:
        """Off by so much from now on; written in place, for the processes have it mapped."""
        with self._file.open("r+b", buffering=0) as file:
            file.write(seconds.to_bytes(8, "little", signed=True))
