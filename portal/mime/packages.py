"""ZIP files read within bounds: how many entries, how much comes out of them, and which are locked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MOST_ENTRIES = 1000
MOST_BYTES = 64 * 1024 * 1024
"""Unpacked, of one file: more is not read."""


class TooMuch(Exception):
    """There is more in it than is read."""


@dataclass
class Package:
    """An open ZIP file with what may still be unpacked of it."""

    file: zipfile.ZipFile
    room: int = MOST_BYTES

    def names(self) -> list[str]:
        return [entry.filename for entry in self.entries()]

    def entries(self) -> list[zipfile.ZipInfo]:
        """Files, not folders. TooMuch."""
        held = [entry for entry in self.file.infolist() if not entry.is_dir()]
        if len(held) > MOST_ENTRIES:
            raise TooMuch
        return held

    def is_locked(self) -> bool:
        """Whether an entry needs a password (APPNOTE section 4.4.4, bit 0)."""
        return any(entry.flag_bits & 1 for entry in self.file.infolist())

    def read(self, entry: zipfile.ZipInfo | str, most: int = MOST_BYTES) -> bytes:
        """A whole entry. TooMuch when it, or all together, unpack to more; BadZipFile and others for a damaged one."""
        most = min(most, self.room)
        data = self.head(entry, most + 1)
        if len(data) > most:
            raise TooMuch
        return data

    def head(self, entry: zipfile.ZipInfo | str, length: int) -> bytes:
        """The beginning of an entry; what it says of its own size is not believed."""
        with self.file.open(entry) as stream:
            data = stream.read(max(0, min(length, self.room + 1)))
        self.room -= len(data)
        return data


@contextmanager
def opened(data: bytes) -> Iterator[Package]:
    """Raises BadZipFile, and whatever else a damaged file makes of zipfile."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        yield Package(file)
