"""The text of a document of Word 6 to 2003: its pieces in their order ([MS-DOC] section 2.4.1)."""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator
from itertools import pairwise

from portal.mime.compound import Compound, Path
from portal.mime.errors import NotReadable
from portal.mime.gathering import Gathered, Locked

_WORD, _WORD_97 = 0xA5EC, 0xC0
_OLD, _OLD_VERSIONS = 0xA5DC, range(0x65, 0x6A)
_FAST_SAVED, _ENCRYPTED, _SECOND_TABLE, _EIGHT_BIT = 0x0004, 0x0100, 0x0200, 0x40000000
# Places in the file information block (section 2.5): flags; lengths of text, notes, headers …; where the pieces are.
_FLAGS, _LENGTHS, _PIECES = 0x0A, 0x4C, 0x01A2
# Those of Word 6 and 95, and which letters; it has its text from one place to another unless it was saved fast.
_LANGUAGE, _LETTERS, _TEXT, _OLD_LENGTHS, _OLD_PIECES = 0x06, 0x14, 0x18, 0x34, 0x0160
_FORMATS, _TABLE = 1, 2  # what the list of pieces begins with (section 2.9.38)
_OFTEN, _AT_ONCE, _MOST_FORMATS = 1024, 64 * 1024, 100_000
# Marks within text (section 2.4.1, sprmCFSpec): cells, lines, pages, fields, hyphens; pictures and notes say nothing.
_MARKS: dict[int, str | None] = dict.fromkeys([*range(9), 0x0F, *range(0x10, 0x13), 0x1F])
_MARKS |= {7: "\t", 0x0B: "\n", 0x0C: "\n", 0x0D: "\n", 0x0E: "\n", 0x13: " ", 0x14: " ", 0x15: None, 0x1E: "-"}
_MACINTOSH, _USUAL, _ENGLISH = 256, "cp1252", 0x09
# Code pages by the lower ten bits of a language's number ([MS-LCID]).
_CODEPAGES = {
    0x01: 1256, 0x02: 1251, 0x04: 936, 0x05: 1250, 0x08: 1253, 0x0D: 1255, 0x0E: 1250, 0x11: 932, 0x12: 949, 0x15: 1250,
    0x18: 1250, 0x19: 1251, 0x1A: 1250, 0x1B: 1250, 0x1C: 1250, 0x1E: 874, 0x1F: 1254, 0x22: 1251, 0x23: 1251,
    0x24: 1250, 0x25: 1257, 0x26: 1257, 0x27: 1257, 0x29: 1256, 0x2F: 1251,
}  # fmt: skip
_TAIWAN, _NO_ACCENTS = 0x0404, bytes(range(0xC0))


def read(compound: Compound, path: Path, gathered: Gathered) -> None:
    """Body, notes, headers, footers, comments and text boxes. Raises NotReadable, Locked, Enough, struct.error."""
    data = compound.stream(path)
    ident, version = struct.unpack_from("<HH", data)
    (flags,) = struct.unpack_from("<H", data, _FLAGS)
    if flags & _ENCRYPTED:
        raise Locked
    if ident == _OLD and version in _OLD_VERSIONS:
        _read_old(data, flags, gathered)
        return
    if ident != _WORD or version < _WORD_97:
        raise NotReadable("document of Word")
    table = compound.stream((*path[:-1], "1Table" if flags & _SECOND_TABLE else "0Table"))
    start, length = struct.unpack_from("<II", data, _PIECES)
    least = sum(struct.unpack_from("<8I", data, _LENGTHS))
    for where, count in _pieces(table[start : start + length], least, gathered):
        place = where & _EIGHT_BIT - 1  # section 2.9.73: 8 bits a character, or 16
        if where & _EIGHT_BIT:
            _add(data, place // 2, place // 2 + count, _USUAL, gathered)
        else:
            _add(data, place, place + 2 * count, "utf-16-le", gathered)


def _read_old(data: bytes, flags: int, gathered: Gathered) -> None:
    """Word 6 and 95: 8 bits a character, in the code page of the language."""
    start, end = struct.unpack_from("<II", data, _TEXT)
    least = sum(struct.unpack_from("<8I", data, _OLD_LENGTHS))
    (language,), (letters,) = struct.unpack_from("<H", data, _LANGUAGE), struct.unpack_from("<H", data, _LETTERS)
    codec, text = _codec(language, letters), data[start:end]
    # Of a text in another script than its language's only the fonts say so: it has too many letters with accents.
    most = 0.02 if language & 0x3FF == _ENGLISH else 0.3
    if codec == _USUAL and len(text.translate(None, _NO_ACCENTS)) > most * len(text):
        raise NotReadable("document of Word")
    if flags & _FAST_SAVED:
        place, length = struct.unpack_from("<II", data, _OLD_PIECES)
        for where, count in _pieces(data[place : place + length], least, gathered):
            _add(data, where, where + count, codec, gathered)
    elif end - start < least:
        raise NotReadable("document of Word")
    else:
        _add(data, start, end, codec, gathered)


def _codec(language: int, letters: int) -> str:
    if letters == _MACINTOSH:
        return "mac-roman"
    return f"cp{950 if language == _TAIWAN else _CODEPAGES.get(language & 0x3FF, 1252)}"


def _pieces(listed: bytes, least: int, gathered: Gathered) -> Iterator[tuple[int, int]]:
    """Where each piece lies, and how many characters it has; together `least` at least."""
    pieces = _table(listed)
    count = (len(pieces) - 4) // 12
    places = (place for (place,) in struct.iter_unpack("<I", pieces[: 4 * (count + 1)]))
    held = struct.iter_unpack("<HIH", pieces[4 * (count + 1) : 4 * (count + 1) + 8 * count])
    reached = 0
    for number, ((begin, end), (_, where, _)) in enumerate(zip(pairwise(places), held, strict=False)):
        if begin != reached or end < begin:
            raise NotReadable("document of Word")
        reached = end
        if number % _OFTEN == 0:
            gathered.look_at_the_clock()
        yield where, end - begin
    if reached < least:
        raise NotReadable("document of Word")


def _table(listed: bytes) -> bytes:
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


def _add(data: bytes, start: int, end: int, codec: str, gathered: Gathered) -> None:
    if not start <= end <= len(data):
        raise NotReadable("document of Word")
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for place in range(start, end, _AT_ONCE):
        gathered.look_at_the_clock()
        gathered.add(decoder.decode(data[place : min(end, place + _AT_ONCE)]).translate(_MARKS))
