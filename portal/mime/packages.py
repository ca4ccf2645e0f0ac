"""ZIP files read within bounds: how many entries, how much comes out of them, and which are locked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MOST_ENTRIES = 1000
MOST_LISTED = 2 * MOST_ENTRIES
"""With its folders. A directory of more is not read: each entry of 46 bytes becomes an object of ten times that."""
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

    def anew(self) -> Package:
        """The same file, of which as much may be unpacked again; its directory is not read again."""
        return Package(self.file)


@contextmanager
def opened(data: bytes) -> Iterator[Package]:
    """Raises TooMuch, BadZipFile, and whatever else a damaged file makes of zipfile."""
    package = kept(data)
    with package.file:
        yield package


def kept(data: bytes) -> Package:
    """The same, open for as long as anybody has it."""
    if _most_in(data) > MOST_LISTED:
        raise TooMuch
    return Package(zipfile.ZipFile(io.BytesIO(data)))


_ENTRY, _END, _LONG_END = b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES, _LONGEST_COMMENT = 22, 20, 1 << 16


def _most_in(data: bytes) -> int:
    """How many entries zipfile could find in a directory, each of which begins with its mark (APPNOTE section 4.3.12).

    The end of the directory is looked for as zipfile does it; the number that is written there is not believed.
    """
    end = len(data) - _END_BYTES
    if not (data[end:].startswith(_END) and data.endswith(b"\0\0")):
        end = data.rfind(_END, max(0, end - _LONGEST_COMMENT))
    if end < 0:
        return 0
    is_long = data[max(0, end - _LOCATOR_BYTES) : end].startswith(_LONG_END)
    length = end if is_long else int.from_bytes(data[end + 12 : end + 16], "little")
    return data.count(_ENTRY, max(0, end - length), end)
