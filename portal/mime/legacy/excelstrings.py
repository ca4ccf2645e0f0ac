"""Strings of Excel 97 to 2003, which may go on in the next record, with other bits for a character there."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from portal.mime.errors import NotReadable

_WIDE, _EXTENDED, _RICH = 1, 4, 8
_NUMBER, _TEXT = 1, 2
_OFTEN = 1024


class Strings:
    """A place in the bytes of a record and of those that continue it."""

    def __init__(self, pieces: list[bytes], place: int) -> None:
        self._pieces, self._number, self._place = pieces, 0, place

    def plain(self, length_bytes: int) -> str:
        """XLUnicodeString, or ShortXLUnicodeString ([MS-XLS] sections 2.5.294 and 2.5.240)."""
        length = self._integer(length_bytes)
        return self._characters(length, self._integer(1) & _WIDE) if length else ""

    def characters_behind_flags(self, length: int) -> str:
        return self._characters(length, self._integer(1) & _WIDE)

    def rich(self, count: int, look_at_the_clock: Callable[[], None]) -> list[str]:
        """Up to `count` of XLUnicodeRichExtendedString (section 2.5.293), without how they look and are spoken."""
        found: list[str] = []
        while len(found) < count and not self._is_over():
            length, flags = self._integer(2), self._integer(1)
            runs = self._integer(2) if flags & _RICH else 0
            more = self._integer(4) if flags & _EXTENDED else 0
            found.append(self._characters(length, flags & _WIDE))
            for _ in self._passed(4 * runs + more):
                continue
            if len(found) % _OFTEN == 0:
                look_at_the_clock()
        return found

    def values(self) -> Iterator[str | float]:
        """Texts and numbers of an array (SerAr): each behind its kind; of the others none is yielded."""
        while not self._is_over():
            kind = self._integer(1)
            if kind == _TEXT:
                length = self._integer(2)
                yield self._characters(length, self._integer(1) & _WIDE)
            else:
                value = self._integer(8).to_bytes(8, "little")
                if kind == _NUMBER:
                    yield float(struct.unpack("<d", value)[0])

    def _integer(self, length: int) -> int:
        piece = self._pieces[self._number] if self._number < len(self._pieces) else b""
        if self._place + length <= len(piece):
            self._place += length
            return int.from_bytes(piece[self._place - length : self._place], "little")
        return int.from_bytes(b"".join(self._passed(length)), "little")

    def _passed(self, length: int) -> Iterator[bytes]:
        """The next bytes, which may go on in the next record."""
        while length:
            if self._number >= len(self._pieces):
                raise NotReadable("workbook")
            part = self._pieces[self._number][self._place : self._place + length]
            self._place += len(part)
            length -= len(part)
            yield part
            if length:
                self._number, self._place = self._number + 1, 0

    def _characters(self, length: int, wide: int) -> str:
        """Where they go on in the next record, it says anew how wide they are (section 2.5.293)."""
        found = ""
        while True:
            piece = self._pieces[self._number]
            width = 2 if wide else 1
            part = piece[self._place : self._place + length * width]
            self._place += len(part)
            found += part.decode("utf-16-le" if wide else "latin-1", "replace")
            length -= len(part) // width
            if length <= 0:
                return found.replace("\0", "")
            self._number, self._place = self._number + 1, 1
            if self._number >= len(self._pieces) or not self._pieces[self._number] or len(part) % width:
                raise NotReadable("workbook")
            wide = self._pieces[self._number][0] & _WIDE

    def _is_over(self) -> bool:
        return self._number >= len(self._pieces) - 1 and self._place >= len(self._pieces[-1])
