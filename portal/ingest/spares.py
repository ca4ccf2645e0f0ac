"""Emptied spool files kept for the next mails: a new file is dearer the more were deleted in the minutes before it.

ext4 gives the inode of a deleted file to nobody for up to five minutes, and whenever it makes a file it looks past all
of those (recently_deleted in the kernel's fs/ext4/ialloc.c). Where mail is handled as fast as it comes, that was a
third of the door's processor time. Nothing is remembered beyond a start of the machine: a rename that a power cut left
half done could else have two names for one file.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

NAME = ".spares"
PART = ".part"
"""Ends the passing name of a file that is not whole yet, or no more."""
MOST = 4096
"""Empty files kept; each has its place by its old name, and takes the place of the one before."""
LOOK_SECONDS = 0.1
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_WRITING = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def empty(path: Path) -> None:
    """Cut off a file's bytes, and its mark that a row wants it."""
    path.chmod(0o600)
    os.truncate(path, 0)


def _is_spare(descriptor: int) -> bool:
    """Whether a file is empty and nobody's else: restored copies may have put anything here, also by hard links."""
    found = os.fstat(descriptor)
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and not found.st_size and found.st_uid == os.geteuid()


class Spares:
    """Those of one spool folder; where a system does not tell its starts apart, there are none."""

    def __init__(self, folder: Path) -> None:
        self._all = folder / NAME
        try:
            self._place: Path | None = self._all / _BOOT.read_text().strip()
        except OSError:
            self._place = None
        self._made = False
        self._known: list[Path] = []
        self._look_at = 0.0

    def open_new(self, path: Path) -> int:
        """A descriptor of an empty file of this name, which nothing had before, to be written by its owner alone."""
        while self._place is not None and (spare := self._next(self._place)) is not None:
            with suppress(OSError):  # another door took it, or it belongs to another user
                spare.rename(path)
                descriptor = os.open(path, _WRITING)
                if _is_spare(descriptor):
                    return descriptor
                os.close(descriptor)
        path.unlink(missing_ok=True)
        return os.open(path, _WRITING | os.O_CREAT | os.O_EXCL, 0o600)

    def remove(self, path: Path) -> None:
        """Take a file away, its bytes at once. Safe to do twice. Raises OSError when the folder does not let it go."""
        # Only one of two workers gets this name. If both cut it off, the slower could do so when a door has written the
        # next mail into it and said 250.
        taken = path.with_name(f"{path.name}{PART}")
        if self._place is not None:
            with suppress(OSError):
                if path.stat().st_nlink > 1:  # somebody's copy by another name keeps its bytes
                    path.unlink()
                    return
                path.rename(taken)
                empty(taken)
                if not self._made:
                    self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
                    self._made = True
                taken.rename(self._place / f"{hash(path.name) % MOST}")
                return
            self._made = False  # swept, perhaps, by a host that shares the folder
        path.unlink(missing_ok=True)
        taken.unlink(missing_ok=True)  # left by one that was killed, or still at it: it will find nothing

    def sweep(self) -> None:
        """Forget those of before the machine was started."""
        with suppress(OSError):
            for place in self._all.iterdir():
                if place != self._place:
                    shutil.rmtree(place, ignore_errors=True)

    def _next(self, place: Path) -> Path | None:
        # Several threads ask; whatever two of them do at once, each is given to one, and renaming decides anyway.
        with suppress(IndexError):
            return self._known.pop()
        if (now := time.monotonic()) < self._look_at:
            return None
        self._look_at = now + LOOK_SECONDS
        with suppress(OSError):
            found = list(place.iterdir())
            random.shuffle(found)  # two doors that look at once would else run after the same ones
            self._known = found
        with suppress(IndexError):
            return self._known.pop()
        return None
