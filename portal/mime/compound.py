"""Compound files ([MS-CFB]), in which Office before 2007 and Outlook keep what they write: opened within bounds.

olefile believes what a file says of its own sizes; a few hundred bytes could have it work and gather without end.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import olefile

from portal.mime import magic
from portal.mime.errors import NotReadable

MOST_ENTRIES = 10_000
"""Streams and folders of one file: each is compared with all before it."""
_ENTRY_BYTES, _SECTOR_SHIFTS, _MINI_SHIFT, _FEW = 128, (9, 12), 6, 110

Path = tuple[str, ...]


class Compound:
    """An open file. Its streams together give no more than twice its bytes: many may lie in the same place of it."""

    def __init__(self, data: bytes) -> None:
        """Raises NotReadable, also where two streams have one name: nobody knows which one a program takes."""
        _check_header(data)
        try:
            self._ole = _Bounded(BytesIO(data))
            self.paths: list[Path] = [tuple(path) for path in self._ole.listdir(streams=True, storages=False)]
        except Exception:  # what the library meets in a broken file is not one family, and may hold content
            raise NotReadable("compound file") from None
        if len({tuple(map(str.lower, path)) for path in self.paths}) < len(self.paths):
            raise NotReadable("compound file")
        self._room = 2 * len(data)

    def stream(self, path: Path) -> bytes:
        """All of one stream; letters' case does not count. Raises NotReadable."""
        try:
            self._room -= self._ole.get_size(list(path))
            data = self._ole.openstream(list(path)).read() if self._room >= 0 else None
        except Exception:
            data = None
        if data is None:
            raise NotReadable("compound file")
        return bytes(data)


class _Bounded(olefile.OleFileIO):  # type: ignore[misc] # the library has no types
    """Everything that the library reads goes through `_open`, its own tables too."""

    def _open(self, start: int, size: int = olefile.olefile.UNKNOWN_SIZE, force_FAT: bool = False) -> Any:
        if size != olefile.olefile.UNKNOWN_SIZE:
            if size > self._filesize:
                raise NotReadable("compound file")
            return super()._open(start, size, force_FAT)
        stream = super()._open(start, size, force_FAT)  # the list of what there is, up to the end of its chain
        if stream.size > MOST_ENTRIES * _ENTRY_BYTES:
            raise NotReadable("compound file")
        return stream


def _check_header(data: bytes) -> None:
    """Refuses sizes of sectors that there are not ([MS-CFB] section 2.2), and tables for more than the file holds."""
    if not data.startswith(magic.OLE) or len(data) < 512:
        raise NotReadable("compound file")
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    (tables,) = struct.unpack_from("<I", data, 44)
    if shift not in _SECTOR_SHIFTS or mini_shift != _MINI_SHIFT:
        raise NotReadable("compound file")
    if tables > _FEW + 2 * ((len(data) >> shift) // (1 << shift - 2)):
        raise NotReadable("compound file")
