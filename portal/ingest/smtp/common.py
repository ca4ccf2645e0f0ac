"""What the door processes of a host count together: sessions of a connector, and failed logins from an address."""

from __future__ import annotations

import hashlib
import struct
from mmap import mmap

from portal.access.brake import Brake
from portal.ingest.smtp import limits
from portal.sharing import Shared

COLUMNS = 1024
"""Connectors with a limit that can have sessions at once."""
_NAME = 16


class Common:
    """Made before the processes part, each of which has a number from 0."""

    def __init__(self, processes: int = 1) -> None:
        self.seats = Seats(processes)
        self.logins = Brake(limits.PEER_FAILURE_SECONDS)


class Seats:
    """How many sessions a connector has, in each process and so in all.

    First the names, as 16 bytes of a digest, then for each a count of every process. Each process writes its own, and
    whoever sees one end makes those of it zero: what died with it must not stay counted.
    """

    def __init__(self, processes: int) -> None:
        self._counts = struct.Struct(f"={processes}I")
        self._shared = Shared("letterlock-sessions", COLUMNS * (_NAME + self._counts.size))

    def enter(self, process: int, name: str, most: int) -> bool:
        """Count one more session; False when the connector has `most` in all processes together."""
        with self._shared.alone() as memory:
            column = self._find(memory, _digest(name))
            if column is None:
                column = self._free(memory)
                if column is None:
                    return False
                memory[column * _NAME : (column + 1) * _NAME] = _digest(name)
            counts = self._read(memory, column)
            if sum(counts) >= most:
                return False
            self._write(memory, column, counts, process, counts[process] + 1)
            return True

    def leave(self, process: int, name: str) -> None:
        """Take back what `enter` counted."""
        with self._shared.alone() as memory:
            column = self._find(memory, _digest(name))
            if column is not None:
                counts = self._read(memory, column)
                self._write(memory, column, counts, process, max(0, counts[process] - 1))

    def ended(self, process: int) -> None:
        """A process is gone, and all its sessions with it."""
        with self._shared.alone() as memory:
            for column in range(COLUMNS):
                self._write(memory, column, self._read(memory, column), process, 0)

    def _find(self, memory: mmap, digest: bytes) -> int | None:
        at = memory.find(digest, 0, COLUMNS * _NAME)
        while at >= 0 and at % _NAME:  # across two others
            at = memory.find(digest, at + 1, COLUMNS * _NAME)
        return at // _NAME if at >= 0 else None

    def _free(self, memory: mmap) -> int | None:
        return next((column for column in range(COLUMNS) if not any(self._read(memory, column))), None)

    def _read(self, memory: mmap, column: int) -> tuple[int, ...]:
        return self._counts.unpack_from(memory, self._place(column))

    def _write(self, memory: mmap, column: int, counts: tuple[int, ...], process: int, count: int) -> None:
        self._counts.pack_into(memory, self._place(column), *counts[:process], count, *counts[process + 1 :])

    def _place(self, column: int) -> int:
        return COLUMNS * _NAME + column * self._counts.size


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=_NAME).digest()
