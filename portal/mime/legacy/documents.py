"""The text and the properties of .doc, .xls and .ppt files, told by what is in them, whatever their names say."""

from __future__ import annotations

import struct
from collections.abc import Callable

from portal.mime.compound import Compound, Path
from portal.mime.errors import NotReadable
from portal.mime.gathering import Enough, Gathered, Locked
from portal.mime.legacy import excel, packager, powerpoint, properties, word

Part = Callable[[bytes, str], None]
"""Takes what lies in a document and is none of these: its bytes, and its name."""
MOST_DOCUMENTS = 100
"""In one file: those that are embedded in it have folders of their own."""
_READERS: dict[str, Callable[[Compound, Path, Gathered], None]] = {
    "worddocument": word.read,
    "workbook": excel.read,
    "book": excel.read,
}
_SLIDES, _PIVOTS = "powerpoint document", "_sx_db_cur"
# A whole document that only those with its key can read ([MS-OFFCRYPTO] sections 2.2 and 2.3.4.10), in place of it.
_LOCKED = {"encryptedpackage", "\x09drmcontent", "encryptedsummary"}
_FOREIGN = {"package", "contents", "package_stream", "embeddedodf", packager.STREAM}
"""What other programs than these have put in; or Office of today and OpenDocument, as a ZIP file."""
_NO_WORDS = {"equation native", "project"}
"""Formulas, and macros."""


def read(compound: Compound, gathered: Gathered, into: dict[str, str], part: Part, *, is_whole: bool) -> None:
    """Text of the documents in a compound file; `is_whole` for one that is no part of a document.

    Raises NotReadable for other files and for damaged ones, also when damage is all that is wrong with a part of it;
    Locked and Enough.
    """
    if not compound.paths and not is_whole:
        return  # an object that was taken out
    at_top = {path[0].lower() for path in compound.paths if len(path) == 1}
    if at_top & _LOCKED:
        raise Locked
    if not at_top & ({*_READERS, _SLIDES} | (set() if is_whole else _FOREIGN | _NO_WORDS)):
        raise NotReadable("document of Office")
    properties.read(compound, into)
    try:
        _read_all(compound, gathered, part)
    except (struct.error, IndexError, ValueError, OverflowError):
        raise NotReadable("document of Office") from None


def _read_all(compound: Compound, gathered: Gathered, part: Part) -> None:
    count = 0
    for path in sorted(compound.paths, key=len):
        name = path[-1].lower()
        if name in _READERS:
            _READERS[name](compound, path, gathered)
        elif name == _SLIDES:
            powerpoint.read(compound, path, gathered, part)
        elif len(path) > 1 and path[-2].lower() == _PIVOTS:
            excel.read_pivot(compound, path, gathered)
        elif name in _FOREIGN:
            data = compound.stream(path)
            part(packager.unwrapped(data) if name == packager.STREAM else data, name)
        else:
            continue
        gathered.add("\n")
        count += 1
        if count > MOST_DOCUMENTS:
            raise Enough
