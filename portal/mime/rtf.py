"""RTF: the text or HTML in a body of Outlook's, compressed (MS-OXRTFCP), where HTML may travel in it (MS-OXRTFEX); and
all text of a document (Rich Text Format Specification 1.9.1)."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from portal.mime import charsets

LARGEST = 2 * 1024 * 1024
"""Bytes of RTF, unpacked."""
_DEEPEST = 500
_OFTEN = 1024

_COMPRESSED, _PLAIN = b"LZFu", b"MELA"
# What the window holds before the first byte (MS-OXRTFCP §2.1.2.1).
_WINDOW = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_WINDOW_SIZE = 4096

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]{1,9})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|([^\\{}\r\n]+)|[\r\n]+|\\", re.DOTALL
)
_HIDDEN = {b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer", b"listtable",
           b"listoverridetable", b"rsidtbl", b"generator", b"themedata", b"colorschememapping", b"datastore",
           b"latentstyles", b"fldinst", b"footnote"}  # fmt: skip
_NO_WORDS = frozenset(
    b"fonttbl colortbl stylesheet pict objdata objclass listtable listoverridetable rsidtbl generator themedata sn sv "
    b"colorschememapping datastore latentstyles datafield blipuid panose xmlnstbl revtbl passwordhash picprop fchars "
    b"lchars pnseclvl filetbl wgrffmtfilter mmathPr bkmkstart bkmkend info userprops atndate atnref atntime "
    b"atnparent".split()
)
"""Of a document: what stands in these is no text that anybody sees."""
_ASIDE = frozenset(
    b"header headerl headerr headerf footer footerl footerr footerf footnote annotation shptxt dptxbxtext fldinst "
    b"fldrslt result atnauthor ud".split()
)
"""Of a document: what stands in these goes on no line with what is around it."""
_OF_DOCUMENT = _NO_WORDS | _ASIDE | _HIDDEN
_WRITTEN = {
    b"par": "\n",
    b"line": "\n",
    b"row": "\n",
    b"tab": "\t",
    b"cell": "\t",
    b"lquote": "‘",
    b"rquote": "’",
    b"ldblquote": "“",
    b"rdblquote": "”",
    b"bullet": "•",
    b"endash": "–",
    b"emdash": "—",
    b"page": "\n",
    b"sect": "\n",
    b"column": "\n",
    b"nestcell": "\t",
    b"nestrow": "\n",
    b"emspace": " ",
    b"enspace": " ",
    b"qmspace": " ",
}
_SIGNS = {b"~": "\xa0", b"_": "\u2011", b"-": "", b"\\": "\\", b"{": "{", b"}": "}", b"\n": "\n", b"\r": "\n"}
_CODEPAGE_OF_FONT = {77: 10000, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255,
                     178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250}  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """The body: as HTML when HTML was put into the RTF, else as text; the other one is ""."""

    text: str
    html: str


def read(packed: bytes) -> Found:
    """The body in compressed RTF. What is damaged or too large gives two empty strings."""
    try:
        source = unpack(packed)
    except (ValueError, struct.error, IndexError):
        return Found("", "")
    written = Writer(source)
    return Found("", written.text) if written.is_html else Found(written.text.strip(), "")


def unpack(packed: bytes) -> bytes:
    """RTF from its compressed form (MS-OXRTFCP §2.2). Raises ValueError, struct.error, IndexError."""
    _, raw_size, kind = struct.unpack_from("<II4s", packed)
    if raw_size > LARGEST or kind not in (_COMPRESSED, _PLAIN):
        raise ValueError
    if kind == _PLAIN:
        return packed[16 : 16 + raw_size]
    window = bytearray(_WINDOW.ljust(_WINDOW_SIZE, b"\0"))
    place = len(_WINDOW)
    out = bytearray()
    position = 16
    while len(out) < raw_size:
        flags = packed[position]
        position += 1
        for bit in range(8):
            start, count = -1, 1
            if flags >> bit & 1:
                reference = packed[position] << 8 | packed[position + 1]
                position += 2
                start, count = reference >> 4, (reference & 15) + 2
                if start == place % _WINDOW_SIZE:
                    return bytes(out)
            for step in range(count):
                if start < 0:
                    letter = packed[position]
                    position += 1
                else:
                    letter = window[(start + step) % _WINDOW_SIZE]  # it may reach into what it writes itself
                window[place % _WINDOW_SIZE] = letter
                place += 1
                out.append(letter)
            if len(out) >= raw_size:
                break
    return bytes(out)


@dataclass(slots=True)
class _Group:
    """What holds until the next closing brace."""

    hidden: bool = False
    tag: bool = False  # within {\*\htmltag …}: HTML as it is
    apart: bool = False  # between \htmlrtf and \htmlrtf0: for readers of RTF only
    font: int = -1
    fonts: bool = False
    skipped: int = 1  # characters behind \u that stand for it in old readers
    aside: bool = False  # of a document: it ends with a line


class Writer:
    """Walks RTF once; `text` is what it shows, or the HTML in it if `is_html`.

    With `add`, it is a document: pieces of all text in it are given to that, notes, comments, boxes and fields too, and
    `look_at_the_clock` is called now and then. Both may end it by an exception.
    """

    def __init__(
        self,
        source: bytes,
        add: Callable[[str], None] | None = None,
        look_at_the_clock: Callable[[], None] = lambda: None,
    ) -> None:
        head = source[:4096]
        self._is_document = add is not None
        self.is_html = add is None and b"\\fromhtml" in head
        found = re.search(rb"\\ansicpg([0-9]{1,5})", head)
        self._usual = int(found[1]) if found else 1252
        self._fonts: dict[int, int] = {}
        self._out: list[str] = []
        self._add = add or self._out.append
        self._bytes = bytearray()
        self._group = _Group()
        self._stack: list[_Group] = []
        self._skip = 0
        self._star = False
        self.has_object = False
        """Something of another program is in it."""
        place, count = 0, 0
        while (match := _TOKEN.match(source, place)) is not None:
            if count % _OFTEN == 0:
                look_at_the_clock()
            place, count = match.end(), count + 1
            if match[1] == b"bin":  # so many bytes follow, which may look like anything
                place += max(0, int(match[2] or 0))
            self._take(match)
        self._flush()
        self.text = joined("".join(self._out))

    def _take(self, match: re.Match[bytes]) -> None:
        word, number, letter, sign, brace, text = match.groups()
        if text is not None:
            self._text(text)
        elif letter is not None:
            if self._skip:
                self._skip -= 1
            elif self._shown():
                self._bytes.append(int(letter, 16))
        elif brace is not None:
            self._brace(brace)
        elif word is not None:
            self._word(word, int(number) if number is not None else None)
        elif sign is not None:
            if sign == b"*":
                self._star = True
            elif self._skip:
                self._skip -= 1
            else:
                self._write(_SIGNS.get(sign, ""))

    def _brace(self, brace: bytes) -> None:
        self._flush()
        if brace == b"}" and self._group.aside:
            self._write("\n")
        self._star, self._skip = False, 0
        if brace == b"{":
            if len(self._stack) < _DEEPEST:
                held = self._group
                self._stack.append(held)
                self._group = _Group(held.hidden, held.tag, held.apart, held.font, held.fonts, held.skipped)
        elif self._stack:
            self._group = self._stack.pop()

    def _word(self, word: bytes, number: int | None) -> None:
        star, self._star = self._star, False
        group = self._group
        if self._is_document and self._in_document(word, group):
            return
        if word == b"htmlrtf":
            group.apart = number != 0
        elif word in (b"htmltag", b"mhtmltag") and star:
            self._flush()
            group.tag, group.hidden = word == b"htmltag", word == b"mhtmltag"
        elif word in _HIDDEN or (star and not self._is_document):
            group.hidden, group.fonts = True, word == b"fonttbl"
        elif word == b"f" and number is not None:
            self._flush()
            group.font = number
        elif word == b"fcharset" and group.fonts and number in _CODEPAGE_OF_FONT:
            self._fonts[group.font] = _CODEPAGE_OF_FONT[number]
        elif word == b"uc" and number is not None:
            group.skipped = min(max(number, 0), 8)
        elif word == b"u" and number is not None:
            self._flush()
            code = number & 0xFFFF
            self._write(chr(code) if self._shown() else "")
            self._skip = group.skipped
        elif word in _WRITTEN:
            self._write("\r\n" if self.is_html and word in (b"par", b"line") else _WRITTEN[word])

    def _in_document(self, word: bytes, group: _Group) -> bool:
        """Whether a word begins something of a document; everything is shown but what holds no words."""
        if word in _NO_WORDS:
            self.has_object |= word == b"objdata"
            group.hidden, group.fonts = True, word == b"fonttbl"
        elif word in _ASIDE:
            self._write("\n")
            group.aside = True
        return word in _OF_DOCUMENT

    def _shown(self) -> bool:
        group = self._group
        return not group.hidden and (group.tag or not (self.is_html and group.apart))

    def _text(self, text: bytes) -> None:
        if self._skip:
            cut = min(self._skip, len(text))
            self._skip -= cut
            text = text[cut:]
        if self._shown():
            self._bytes += text

    def _write(self, text: str) -> None:
        if text and self._shown():
            self._flush()
            self._add(text)

    def _flush(self) -> None:
        if self._bytes:
            codepage = self._fonts.get(self._group.font, self._usual)
            self._add(charsets.decode(bytes(self._bytes), charsets.of_codepage(codepage)))
            self._bytes.clear()


def joined(text: str) -> str:
    """A character beyond the first 65,536 comes as two halves."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
