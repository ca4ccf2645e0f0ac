"""Documents, and what lies in them: each is read by what it is, all of them within the same characters and time."""

from __future__ import annotations

import re
from collections.abc import Callable

from portal.mime import charsets, magic, officetext, packages, rtftext
from portal.mime.compound import Compound
from portal.mime.gathering import Enough, Gathered, Locked, Read
from portal.mime.legacy import documents
from portal.mime.packages import Package, TooMuch

DEEPEST = 3
"""Documents in a document in a document; what lies deeper is told as not read."""
_LETTERS = b"\t\r\n" + bytes(range(0x20, 0x7F))
_MAIL = re.compile(rb"^mime-version:", re.IGNORECASE | re.MULTILINE)


def of_package(package: Package, most: int, until: float) -> Read:
    """Text of an office file of today, up to `most` characters and `until` (time.monotonic()). Raises what a damaged
    file makes of its readers."""
    return _Look(most, until).read(lambda look: look.package(package))


def of_compound(data: bytes, most: int, until: float) -> Read:
    """The same of one of Office before 2007. Raises NotReadable."""
    return _Look(most, until).read(lambda look: look.compound(data, is_whole=True))


class _Look:
    def __init__(self, most: int, until: float) -> None:
        self._gathered = Gathered(most, until)
        self._most, self._until = most, until
        self._found, self._depth = Read(), 0

    def read(self, work: Callable[[_Look], None]) -> Read:
        try:
            work(self)
        except Locked:
            self._found.locked = True
        except (Enough, TooMuch):
            self._found.truncated = True
        self._found.text = self._gathered.text()
        return self._found

    def package(self, package: Package) -> None:
        officetext.read(package, self._gathered, self._properties(), self._part)

    def compound(self, data: bytes, *, is_whole: bool) -> None:
        documents.read(Compound(data), self._gathered, self._properties(), self._part, is_whole=is_whole)

    def _properties(self) -> dict[str, str]:
        """Of the document itself, not of those within it."""
        return {} if self._depth else self._found.properties

    def _part(self, data: bytes, name: str) -> None:
        """What lies in a document. What cannot be read of it makes the whole document one that was not read whole."""
        if not data:
            return
        self._gathered.look_at_the_clock()
        self._depth += 1
        try:
            if self._depth > DEEPEST or not self._is_read(data):
                self._found.partly = True
        except (Enough, TooMuch):
            raise
        except Exception:  # broken files of five formats: what their readers meet is not one family
            self._found.partly = True
        self._depth -= 1

    def _is_read(self, data: bytes) -> bool:
        if data.startswith(magic.ZIP):
            with packages.opened(data) as package:
                if not officetext.is_office(package.names()):
                    return False
                self.package(package)
        elif data.startswith(magic.OLE):
            self.compound(data, is_whole=False)
        elif rtftext.is_rtf(data[: magic.LOOKED_AT]):
            found = rtftext.read(data, self._most, self._until)
            self._gathered.add(found.text)
            return not (found.partly or found.truncated)
        elif wide := _wide(data):
            self._gathered.add(wide)
        elif magic.kind(data[: magic.LOOKED_AT], "") or magic.is_binary(data):
            return magic.is_media(data)
        else:
            self._gathered.add(charsets.decode(data))
            return _MAIL.search(data[: magic.LOOKED_AT]) is None  # its parts may be in codings
        self._gathered.add("\n")
        return True


def _wide(data: bytes) -> str:
    """Plain letters of 16 bits without a mark before them, which properties of sheets are; "" for anything else."""
    letters = data[::2].rstrip(b"\0")
    if data[1::2].strip(b"\0") or letters.translate(None, _LETTERS):
        return ""
    return letters.decode("ascii")
