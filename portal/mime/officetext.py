"""The text and the properties of office files that are ZIP and XML (ECMA-376, ISO/IEC 26300), without a program.

XML is read by expat with no document type: so there are no entities of the file's own, inside or outside.
"""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Callable
from xml.parsers import expat

from portal.mime import charsets, magic, plain
from portal.mime.gathering import Gathered, Locked, keep
from portal.mime.packages import Package, TooMuch

_PIECE = 64 * 1024
# In this order: as much of it as there is room for is read.
_FIRST = (
    re.compile(r"word/(?:document|header|footer|footnotes|endnotes|comments)\d*\.xml|(?:content|styles)\.xml"),
    re.compile(r"ppt/(?:slides|notesslides|comments)/[^/]+\.xml"),
    re.compile(r"xl/(?:sharedstrings|comments\d*|drawings/[^/]+)\.xml"),
    re.compile(r"xl/worksheets/[^/]+\.xml"),
)
_SHARED, _SHEET, _CACHE = "xl/sharedstrings.xml", _FIRST[-1], re.compile(r"xl/pivotcache/[^/]+\.xml")
_PROPERTIES = re.compile(r"docprops/(?:core|app|custom)\.xml|meta\.xml")
# Of an OpenDocument file: what it was set to, and who signed it.
_NO_WORDS = re.compile(
    r"\[content_types\]\.xml|docprops/.*|mimetype|(?:.*/)?settings\.xml|.*/meta\.xml|meta-inf/.*\.xml|.*\.rels"
)
_NO_WORDS_OF_OOXML = re.compile(r"\[content_types\]\.xml|docprops/.*|.*\.rels")
# Macros, printers, fonts and drawings of Windows have no words that are read here; layouts are made anew.
_BINARY = re.compile(
    r".*\.(?:odttf|fntdata|emf|wmf|wdp|svm)|.*/(?:printersettings/|vbaprojectsignature)[^/]*\.bin|layout-cache"
    r"|objectreplacements/.*|\[trash\]/.*"
)
_MARKUP = (b"<", b"\xff\xfe<\0", b"\xfe\xff\0<", b"\xef\xbb\xbf<")
_LARGEST_LOOSE = 8 * 1024 * 1024
_FIXED_PAGE = ".fpage"
"""Of XPS: its text stands in attributes, by letters that need not be what is drawn."""
_BREAKS_WORDS = "p br cr row si h table-row line-break slide"
_BREAKS = frozenset(_BREAKS_WORDS.split())
# The last ones are numbers that say where a drawing stands; they are no longer ones together.
_GAPS_WORDS = "tab c tc table-cell s col row colOff rowOff posOffset pctWidth pctHeight"
_GAPS = frozenset(_GAPS_WORDS.split())
_KEPT_WORDS = (
    "title subject creator keywords description category contentstatus lastmodifiedby company manager "
    "initial-creator keyword language"
)
_KEPT = frozenset(_KEPT_WORDS.split())


class Unreadable(Exception):
    """It is no such file, is damaged, or brings a document type with it."""


def is_office(names: list[str]) -> bool:
    return "[Content_Types].xml" in names or ("content.xml" in names and "META-INF/manifest.xml" in names)


Part = Callable[[bytes, str], None]
"""Takes what lies in a document and is no XML: its bytes, and its name."""


def read(package: Package, gathered: Gathered, properties: dict[str, str], part: Part) -> None:
    """Text of every part that is XML, by what is in it and not by its name: the body of a document may have any.

    Raises Unreadable, Locked, Enough, TooMuch.
    """
    entries = package.entries()
    names = [entry.filename for entry in entries]
    is_open_document = "META-INF/manifest.xml" in names
    if is_open_document and b"encryption-data" in package.read("META-INF/manifest.xml", 4 * 1024 * 1024):
        raise Locked  # OpenDocument 1.3 part 2 section 4.8.1
    shared: list[str] = []
    for name, entry in sorted(((entry.filename.lower(), entry) for entry in entries), key=_rank):
        gathered.look_at_the_clock()
        if _PROPERTIES.fullmatch(name):
            _read_properties(package.read(entry, 1024 * 1024), properties)
        elif (_NO_WORDS if is_open_document else _NO_WORDS_OF_OOXML).fullmatch(name):
            continue
        elif name == _SHARED:
            shared += _shared(package.read(entry), gathered)
        elif _SHEET.fullmatch(name):
            _Sheet(shared, gathered).feed(package.read(entry))
        elif _CACHE.fullmatch(name):
            _Cache(gathered).feed(package.read(entry))
        elif any(form.fullmatch(name) for form in _FIRST):
            _Words(gathered).feed(package.read(entry))
            gathered.add("\n")
        else:
            _read_other(package, entry, name, gathered, part)


def _rank(named: tuple[str, zipfile.ZipInfo]) -> tuple[int, str]:
    name, _ = named
    return next((rank for rank, form in enumerate(_FIRST) if form.fullmatch(name)), len(_FIRST)), name


def _read_other(package: Package, entry: zipfile.ZipInfo, name: str, gathered: Gathered, part: Part) -> None:
    """Diagrams, charts and boxes; and what has been put in: pictures, documents, pieces of HTML and RTF."""
    head = package.head(entry, 64)
    if name.endswith(".xml") or head.lstrip().startswith(_MARKUP):
        data = package.read(entry)
        try:
            _Words(gathered).feed(data)
        except Unreadable:  # of Office's own parts the drawings of old versions (VML) are no XML at times
            gathered.add("\n" + plain.from_html(charsets.decode(_loose(data)), for_rules=True))
        gathered.add("\n")
        if name.endswith(_FIXED_PAGE):
            part(b"\0", name)
    elif head.startswith((magic.OLE, *magic.ZIP)) or not (magic.is_media(head) or _BINARY.fullmatch(name)):
        part(package.read(entry), name)


def _loose(data: bytes) -> bytes:
    if len(data) > _LARGEST_LOOSE:
        raise TooMuch
    return data


class _Reader:
    """Walks one XML document; what it means is said by `start`, `end` and `words`."""

    def __init__(self, gathered: Gathered) -> None:
        self.gathered = gathered

    def feed(self, data: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=None)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self.words
        try:
            for place in range(0, len(data), _PIECE):
                self.gathered.look_at_the_clock()
                parser.Parse(data[place : place + _PIECE], False)
            parser.Parse(b"", True)
        except expat.ExpatError:
            raise Unreadable from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.start(name.rpartition(":")[2], attributes)

    def _end(self, name: str) -> None:
        self.end(name.rpartition(":")[2])

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def words(self, text: str) -> None:
        """Characters, in pieces."""


def _refuse(*_: object) -> None:
    raise Unreadable


class _Words(_Reader):
    """Running text: a line for each paragraph and row, a tab between cells."""

    def end(self, name: str) -> None:
        if name in _BREAKS:
            self.gathered.add("\n")
        elif name in _GAPS:
            self.gathered.add("\t" if name != "s" else " ")

    def words(self, text: str) -> None:
        self.gathered.add(text)


class _Cache(_Words):
    """What a pivot table remembers of its data: the values stand in attributes (ECMA-376 part 1 section 18.10.1)."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("s", "n") and "v" in attributes:
            self.gathered.add(attributes["v"] + "\n")


class _Strings(_Reader):
    """The texts that cells share, each once."""

    def __init__(self, gathered: Gathered) -> None:
        super().__init__(gathered)
        self.found: list[str] = []
        self._piece: list[str] = []

    def end(self, name: str) -> None:
        if name == "si":
            self.found.append("".join(self._piece))
            self._piece.clear()

    def words(self, text: str) -> None:
        self._piece.append(text)


def _shared(data: bytes, gathered: Gathered) -> list[str]:
    reader = _Strings(gathered)
    reader.feed(data)
    return reader.found


class _Sheet(_Reader):
    """Cells as they are shown: shared texts by their number, numbers as written, a tab and a line between."""

    def __init__(self, shared: list[str], gathered: Gathered) -> None:
        super().__init__(gathered)
        self._shared, self._of = shared, ""
        self._cell: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._of = attributes.get("t", "")
            self._cell.clear()
        elif name in ("v", "f"):
            self._cell.clear()  # the value stands behind its formula

    def end(self, name: str) -> None:
        if name == "c":
            self.gathered.add(self._value() + "\t")
        elif name == "row":
            self.gathered.add("\n")

    def words(self, text: str) -> None:
        self._cell.append(text)

    def _value(self) -> str:
        written = "".join(self._cell).strip()
        if self._of == "s" and written.isdigit() and int(written) < len(self._shared):
            return self._shared[int(written)]
        if not self._of and "E+" in written:
            try:
                return str(int(float(written)))
            except (ValueError, OverflowError):
                return written
        return written


class _Fields(_Reader):
    """Properties: the element's own name, or of a custom one what its attribute says."""

    def __init__(self, gathered: Gathered, into: dict[str, str]) -> None:
        super().__init__(gathered)
        self._into, self._name = into, ""
        self._piece: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("property", "user-defined"):
            self._name = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "name"), "")
            self._piece.clear()
        elif name.lower() in _KEPT:
            self._name = name
            self._piece.clear()

    def end(self, name: str) -> None:
        own = name in ("property", "user-defined") or name.lower() in _KEPT
        if own:
            keep(self._into, self._name, "".join(self._piece))
            self._name = ""

    def words(self, text: str) -> None:
        self._piece.append(text)


def _read_properties(data: bytes, into: dict[str, str]) -> None:
    _Fields(Gathered(0, time.monotonic() + 1), into).feed(data)
