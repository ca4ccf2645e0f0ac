"""The text and the properties of office files that are ZIP and XML (ECMA-376, ISO/IEC 26300), without a program.

XML is read by expat with no document type: so there are no entities of the file's own, inside or outside.
"""

from __future__ import annotations

import re
import time
from xml.parsers import expat

from portal.mime.gathering import Enough, Gathered, Read, keep
from portal.mime.packages import MOST_BYTES, Package, TooMuch

_PIECE = 64 * 1024
_PARTS = (
    re.compile(r"word/(?:document|header\d*|footer\d*|footnotes|endnotes|comments)\.xml"),
    re.compile(r"ppt/(?:slides|notesSlides|comments)/[^/]+\.xml"),
    re.compile(r"xl/(?:sharedStrings|comments\d*|drawings/[^/]+)\.xml"),
    re.compile(r"xl/worksheets/[^/]+\.xml"),
    re.compile(r"(?:content|styles)\.xml"),
)
_PROPERTIES = re.compile(r"docProps/(?:core|app|custom)\.xml|meta\.xml")
_BREAKS_WORDS = "p br cr row si h table-row line-break slide"
_BREAKS = frozenset(_BREAKS_WORDS.split())
_GAPS_WORDS = "tab c tc table-cell s"
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


def read(package: Package, most: int, until: float) -> Read:
    """Text of the body, notes, cells and slides, up to `most` characters and `until` (time.monotonic()). Unreadable."""
    found, gathered = Read(), Gathered(most, until)
    names = package.names()
    if "META-INF/manifest.xml" in names and b"encryption-data" in package.read(
        "META-INF/manifest.xml", 4 * 1024 * 1024
    ):
        found.locked = True  # OpenDocument 1.3 part 2 section 4.8.1
        return found
    wanted = [name for form in _PARTS for name in sorted(names) if form.fullmatch(name)]
    try:
        for name in filter(_PROPERTIES.fullmatch, names):
            _read_properties(package.read(name, 1024 * 1024), found.properties)
        shared: list[str] = []
        for name in wanted:
            if name == "xl/sharedStrings.xml":
                shared = _shared(package.read(name, MOST_BYTES), gathered)
            elif name.startswith("xl/worksheets/"):
                _Sheet(shared, gathered).feed(package.read(name, MOST_BYTES))
            else:
                _Words(gathered).feed(package.read(name, MOST_BYTES))
    except (TooMuch, Enough):
        found.truncated = True
    found.text = gathered.text()
    return found


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
