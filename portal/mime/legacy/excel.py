"""The text of a workbook of Excel 5 to 2003: cells, comments, text boxes, headers and names of sheets ([MS-XLS])."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from portal.mime import charsets
from portal.mime.compound import Compound, Path
from portal.mime.errors import NotReadable
from portal.mime.gathering import Gathered, Locked
from portal.mime.legacy.excelstrings import Strings

Pieces = list[bytes]
"""The bytes of a record, and of those that continue it."""
_BEGIN, _END, _LOCKED, _SHARED, _CODEPAGE, _OBJECT = 0x0809, 0x000A, 0x002F, 0x00FC, 0x0042, 0x005D
_PIVOT_TEXT, _PIVOT_NUMBER = 0x00CD, 0x00C9
_EARLIER, _LATER = (0x0500, 0x0580), (0x0600, 0x0680)
"""Excel 5 and 95, and from 97 on; the others are the charts that Microsoft Graph puts into documents."""
_NO_TEXT = (1, 5, 8, 25)
"""Objects of Excel 5: lines, charts, pictures, and comments, whose text stands elsewhere."""
_OFTEN = 512
_AN_INTEGER, _HUNDREDTHS = 2, 1
_LONGEST_INTEGER = 1e21


def read(compound: Compound, path: Path, gathered: Gathered) -> None:
    """Every sheet, hidden ones too. Raises NotReadable, Locked, Enough, struct.error, IndexError."""
    _Book(compound.stream(path), gathered).read()


def read_pivot(compound: Compound, path: Path, gathered: Gathered) -> None:
    """What a pivot table remembers of its data: texts and numbers (SXString and SXNum)."""
    _Book(compound.stream(path), gathered).read_pivot()


class _Book:
    """Walks the records of a workbook once, in their order: first what all sheets share, then each sheet."""

    def __init__(self, data: bytes, gathered: Gathered) -> None:
        self._data, self._gathered = data, gathered
        self._shared: list[str] = []
        self._codepage = "cp1252"
        self._row = -1
        self._sheets: set[int] = set()
        self._known: dict[int, Callable[[Pieces], None]] = {}

    def read(self) -> None:
        begun: set[int] = set()
        depth = 0
        for place, kind, pieces in self._records():
            depth += (kind == _BEGIN) - (kind == _END)
            if begun and not depth and kind not in (_BEGIN, _END):
                break  # behind the last part there may be what was there before
            if kind == _BEGIN:
                begun.add(place)
                self._begin(int.from_bytes(pieces[0][:2], "little"))
            elif not begun:
                raise NotReadable("workbook")
            elif kind == _LOCKED:
                raise Locked
            elif (reader := self._known.get(kind)) is not None:
                reader(pieces)
        # A sheet that begins within another record would be shown by Excel and not seen here.
        if not begun or not self._sheets <= begun:
            raise NotReadable("workbook")

    def read_pivot(self) -> None:
        self._is_later = True
        for _, kind, pieces in self._records():
            if kind == _PIVOT_TEXT:
                self._add(self._string(pieces, 0))
            elif kind == _PIVOT_NUMBER:
                self._add(_written(struct.unpack_from("<d", pieces[0])[0]))

    def _records(self) -> Iterator[tuple[int, int, Pieces]]:
        data, place, count = self._data, 0, 0
        while place + 4 <= len(data):
            if count % _OFTEN == 0:
                self._gathered.look_at_the_clock()
            begin, count = place, count + 1
            kind, size = struct.unpack_from("<HH", data, place)
            pieces = [data[place + 4 : place + 4 + size]]
            place += 4 + size
            while data[place : place + 2] == b"\x3c\x00" and place + 4 <= len(data):
                if len(pieces) % _OFTEN == 0:
                    self._gathered.look_at_the_clock()
                size = int.from_bytes(data[place + 2 : place + 4], "little")
                pieces.append(data[place + 4 : place + 4 + size])
                place += 4 + size
            if place > len(data):
                raise NotReadable("workbook")
            yield begin, kind, pieces

    def _begin(self, version: int) -> None:
        """A part of the workbook; it says which Excel has written it."""
        self._row = -1
        if self._known:
            return
        cells: dict[int, Callable[[Pieces], None]] = {
            0x0006: self._formula,
            0x0203: self._number,
            0x027E: self._short,
            0x00BD: self._shorts,
            0x0204: self._label,
            0x00D6: self._label,
            0x0207: self._result,
            0x0014: self._heading,
            0x0015: self._heading,
            0x0085: self._sheet,
        }
        later = {
            _SHARED: self._share,
            0x00FD: self._shared_label,
            0x01B6: self._box,
            0x100D: self._series,
            0x005A: self._outside,
        }
        earlier = {_CODEPAGE: self._set_codepage, 0x001C: self._note, _OBJECT: self._object}
        if version not in _EARLIER + _LATER:
            raise NotReadable("workbook")
        self._is_later = version in _LATER
        self._known = cells | (later if self._is_later else earlier)

    # Texts

    def _add(self, text: str) -> None:
        if text:
            self._gathered.add(f"\n{text}\n")
            self._row = -1

    def _string(self, pieces: Pieces, start: int, length_bytes: int = 2) -> str:
        """A text behind its length; before Excel 97 in the workbook's own code page."""
        if len(pieces[0]) <= start:
            return ""
        if self._is_later:
            return Strings(pieces, start).plain(length_bytes)
        length = int.from_bytes(pieces[0][start : start + length_bytes], "little")
        text = b"".join(pieces)[start + length_bytes : start + length_bytes + length]
        return charsets.decode(text, self._codepage)

    def _share(self, pieces: Pieces) -> None:
        """Texts that cells share, each once (section 2.4.265)."""
        (count,) = struct.unpack_from("<I", pieces[0], 4)
        self._shared += Strings(pieces, 8).rich(count, self._gathered.look_at_the_clock)

    def _sheet(self, pieces: Pieces) -> None:
        """Where a sheet begins, and its name (section 2.4.28)."""
        self._sheets.add(struct.unpack_from("<I", pieces[0])[0])
        self._add(self._string(pieces, 6, 1))

    def _heading(self, pieces: Pieces) -> None:
        self._add(self._string(pieces, 0, 2 if self._is_later else 1))

    def _box(self, pieces: Pieces) -> None:
        """A comment or a text box, whose text follows in records of its own (section 2.4.329)."""
        (length,) = struct.unpack_from("<H", pieces[0], 10)
        if length:
            self._add(Strings(pieces[1:], 0).characters_behind_flags(length))

    def _series(self, pieces: Pieces) -> None:
        self._add(self._string(pieces, 2, 1))

    def _outside(self, pieces: Pieces) -> None:
        """Cells of other workbooks, as they were last seen (CRN)."""
        for value in Strings(pieces, 4).values():
            self._add(value if isinstance(value, str) else _written(value))

    def _note(self, pieces: Pieces) -> None:
        self._add(charsets.decode(pieces[0][6:], self._codepage))

    def _set_codepage(self, pieces: Pieces) -> None:
        self._codepage = charsets.of_codepage(int.from_bytes(pieces[0][:2], "little")) or self._codepage

    def _object(self, pieces: Pieces) -> None:
        """Text boxes before Excel 97 are not read."""
        if int.from_bytes(pieces[0][4:6], "little") not in _NO_TEXT:
            raise NotReadable("workbook")

    # Cells: row and column, what formats them, and a value

    def _cell(self, piece: bytes, text: str) -> None:
        row = int.from_bytes(piece[:2], "little")
        self._gathered.add(("\t" if row == self._row else "\n") + text)
        self._row = row

    def _label(self, pieces: Pieces) -> None:
        self._cell(pieces[0], self._string(pieces, 6))

    def _shared_label(self, pieces: Pieces) -> None:
        self._cell(pieces[0], self._shared[struct.unpack_from("<I", pieces[0], 6)[0]])

    def _number(self, pieces: Pieces) -> None:
        self._cell(pieces[0], _written(struct.unpack_from("<d", pieces[0], 6)[0]))

    def _short(self, pieces: Pieces) -> None:
        self._cell(pieces[0], _written(_rk(struct.unpack_from("<I", pieces[0], 6)[0])))

    def _shorts(self, pieces: Pieces) -> None:
        piece = pieces[0]
        for place in range(4, len(piece) - 2 - 5, 6):
            self._cell(piece, _written(_rk(struct.unpack_from("<I", piece, place + 2)[0])))

    def _formula(self, pieces: Pieces) -> None:
        """Its last value: a number, or what begins with a kind and ends in two bytes of ones (section 2.5.133)."""
        value = pieces[0][6:14]
        if value[6:] != b"\xff\xff":
            self._cell(pieces[0], _written(struct.unpack("<d", value)[0]))
        else:
            self._cell(pieces[0], "")  # a text comes in the next record

    def _result(self, pieces: Pieces) -> None:
        self._gathered.add(self._string(pieces, 0))


def _rk(packed: int) -> float:
    """A number in 30 bits (section 2.5.217): an integer or the upper half of a float, perhaps of hundredths."""
    if packed & _AN_INTEGER:
        value: float = (packed >> 2) - (1 << 30 if packed >> 31 else 0)
    else:
        (value,) = struct.unpack("<d", bytes(4) + struct.pack("<I", packed & ~3))
    return value / 100 if packed & _HUNDREDTHS else value


def _written(value: float) -> str:
    return str(int(value)) if abs(value) < _LONGEST_INTEGER and value == int(value) else repr(value)
