"""Log files of the parts, each line as it comes, rotated by size."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from portal.operations.logs import hide, json_line

MAX_BYTES = 5 * 1024 * 1024
KEPT = 4
"""Older files of a part: name.log.1 is the newest of them."""
_QUIET = ("INFO", "DEBUG")
_OURS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ")


class Journal:
    """`$LETTERLOCK_DATA/logs/<part>.log`."""

    def __init__(self, folder: Path, part: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / f"{part}.log"
        self._file: BinaryIO = self._path.open("ab", buffering=0)

    def write(self, line: str) -> None:
        """Add one line. It is left out while the disk is full: who keeps the logs also starts the parts again."""
        with suppress(OSError):
            self._file.write(line.encode("utf-8", "replace") + b"\n")
            if self._file.tell() > MAX_BYTES:
                self._rotate()

    def close(self) -> None:
        self._file.close()

    def _rotate(self) -> None:
        for number in range(KEPT - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.rename(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.rename(self._path.with_name(f"{self._path.name}.1"))
        filled, self._file = self._file, self._path.open("ab", buffering=0)
        filled.close()


def shown(raw: bytes, part: str = "") -> tuple[str, bool]:
    """A child's output line as it may be kept, and whether the terminal shows it too: what is above INFO.

    With LETTERLOCK_LOG_FORMAT=json a line that is no object of ours becomes one, so that every line is JSON.
    """
    line = hide(raw.decode("utf-8", "replace").rstrip("\r\n"))
    if os.environ.get("LETTERLOCK_LOG_FORMAT") == "json":
        return _as_json(line, part)
    found = _OURS.match(line)
    return line, found is None or found[1] not in _QUIET


def _as_json(line: str, part: str) -> tuple[str, bool]:
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if isinstance(said, dict) and "level" in said and "time" in said:
        return line, said["level"] not in _QUIET
    if not line.strip():
        return "", False
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return json_line({"time": moment, "level": "WARNING", "part": part, "message": line}), True
