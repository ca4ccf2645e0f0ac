"""Memory that a process shares with all that are forked from it, and a lock that the kernel opens for one that dies."""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager


class Shared:
    """`size` bytes, zero at first; those never written take no memory. Make it before the processes part."""

    def __init__(self, name: str, size: int) -> None:
        self._file = os.memfd_create(name, os.MFD_CLOEXEC)
        weakref.finalize(self, os.close, self._file)
        os.ftruncate(self._file, size)
        self.memory = mmap.mmap(self._file, size)
        self._lock = threading.Lock()

    @contextmanager
    def alone(self) -> Iterator[mmap.mmap]:
        """One thread of one process. For moments: the others wait."""
        with self._lock:
            # Of the process, not of the open file, which those that were forked have in common (fcntl(2)).
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield self.memory
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def wipe(self) -> None:
        """All zero again, and given back."""
        self.memory.madvise(mmap.MADV_REMOVE)
