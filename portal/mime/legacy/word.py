"""The text of a document of Word 97 to 2003: its pieces in their order ([MS-DOC] section 2.4.1)."""

from __future__ import annotations

import codecs
import struct
from itertools import pairwise

from portal.mime.compound import Compound, Path
from portal.mime.errors import NotReadable
from portal.mime.gathering import Gathered, Locked

_WORD, _WORD_97 = 0xA5EC, 0xC0
_ENCRYPTED, _SECOND_TABLE, _EIGHT_BIT = 0x0100, 0x0200, 0x40000000
# Places in the file information block (section 2.5): flags; lengths of text, notes, headers …; where the pieces are.
_FLAGS, _LENGTHS, _PIECES = 0x0A, 0x4C, 0x01A2
_FORMATS, _TABLE = 1, 2  # what the list of pieces begins with (section 2.9.38)
_OFTEN, _AT_ONCE, _MOST_FORMATS = 1024, 64 * 1024, 100_000
# Marks within text (section 2.4.1, sprmCFSpec): cells, lines, pages, fields, hyphens; pictures and notes say nothing.
_MARKS: dict[int, str | None] = dict.fromkeys([*range(9), 0x0F, *range(0x10, 0x13), 0x1F])
_MARKS |= {7: "\t", 0x0B: "\n", 0x0C: "\n", 0x0D: "\n", 0x0E: "\n", 0x13: " ", 0x14: " ", 0x15: None, 0x1E: "-"}


def read(compound: Compound, path: Path, gathered: Gathered) -> None:
    """Body, notes, headers, footers, comments and text boxes. Raises NotReadable, Locked, Enough, struct.error."""
    data = compound.stream(path)
    ident, version = struct.unpack_from("<HH", data)
    (flags,) = struct.unpack_from("<H", data, _FLAGS)
    if flags & _ENCRYPTED:
        raise Locked
    if ident != _WORD or version < _WORD_97:
        raise NotReadable("document of Word")  # Word 6 and 95 keep their text in another way
    table = compound.stream((*path[:-1], "1Table" if flags & _SECOND_TABLE else "0Table"))
    start, length = struct.unpack_from("<II", data, _PIECES)
    pieces = _pieces(table[start : start + length])
    count = (len(pieces) - 4) // 12
    places = (place for (place,) in struct.iter_unpack("<I", pieces[: 4 * (count + 1)]))
    held = struct.iter_unpack("<HIH", pieces[4 * (count + 1) : 4 * (count + 1) + 8 * count])
    reached = 0
    for number, ((begin, end), (_, where, _)) in enumerate(zip(pairwise(places), held, strict=False)):
        if begin != reached or end < begin:
            raise NotReadable("document of Word")
        reached = end
        _add(data, where, end - begin, gathered)
        if number % _OFTEN == 0:
            gathered.look_at_the_clock()
    if reached < sum(struct.unpack_from("<8I", data, _LENGTHS)):
        raise NotReadable("document of Word")


def _pieces(listed: bytes) -> bytes:
    """The table of pieces, behind what formats them: n + 1 places in the text, and n descriptions."""
    place = count = 0
    while listed[place] == _FORMATS and count < _MOST_FORMATS:
        count += 1
        place += 3 + int.from_bytes(listed[place + 1 : place + 3], "little")
    (length,) = struct.unpack_from("<I", listed, place + 1)
    found = listed[place + 5 : place + 5 + length]
    if listed[place] != _TABLE or len(found) < length:
        raise NotReadable("document of Word")
    return found


def _add(data: bytes, where: int, length: int, gathered: Gathered) -> None:
    """One piece (section 2.9.73): 8 bits a character, or 16."""
    start, end, codec = where & _EIGHT_BIT - 1, (where & _EIGHT_BIT - 1) + 2 * length, "utf-16-le"
    if where & _EIGHT_BIT:
        start, end, codec = start // 2, start // 2 + length, "cp1252"
    if end > len(data):
        raise NotReadable("document of Word")
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for place in range(start, end, _AT_ONCE):
        gathered.look_at_the_clock()
        gathered.add(decoder.decode(data[place : min(end, place + _AT_ONCE)]).translate(_MARKS))
