"""What a power cut would leave: files and names that were brought to the disk, told by the calls that do it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


class Disk:
    """Notes what reaches the disk from now on, in the order in which it does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._done: list[tuple[str, int]] = []
        fsync, rename = os.fsync, os.rename

        def noting_fsync(descriptor: int) -> None:
            fsync(descriptor)
            self._done.append(("fsync", os.fstat(descriptor).st_ino))

        def noting_rename(source: Path, target: Path) -> None:
            rename(source, target)
            self._done.append(("rename", Path(target).stat().st_ino))

        monkeypatch.setattr(os, "fsync", noting_fsync)
        monkeypatch.setattr(os, "rename", noting_rename)

    def keeps(self, path: Path) -> bool:
        """Whether a file's bytes were on the disk before it got its name, and that name since."""
        file, folder = path.stat().st_ino, path.parent.stat().st_ino
        written = self._last(("fsync", file))
        named = max(written, self._last(("rename", file)))
        return 0 <= written <= self._first_name(file) and self._last(("fsync", folder)) > named

    def forgot(self, folder: Path) -> bool:
        """Whether a name that was taken out of a folder last would be there again."""
        return not self._done or self._last(("fsync", folder.stat().st_ino)) != len(self._done) - 1

    def _first_name(self, file: int) -> int:
        named = ("rename", file)
        return self._done.index(named) if named in self._done else len(self._done)

    def _last(self, wanted: tuple[str, int]) -> int:
        return max((at for at, done in enumerate(self._done) if done == wanted), default=-1)
