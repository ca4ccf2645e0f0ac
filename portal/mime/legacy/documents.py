"""The text and the properties of .doc, .xls and .ppt files, told by what is in them, whatever their names say."""

from __future__ import annotations

import struct
from collections.abc import Callable

from portal.mime.compound import Compound, Path
from portal.mime.errors import NotReadable
from portal.mime.gathering import Enough, Gathered, Locked, Read
from portal.mime.legacy import excel, powerpoint, properties, word

MOST_DOCUMENTS = 100
"""In one file: those that are embedded in it have folders of their own."""
_READERS: dict[str, Callable[[Compound, Path, Gathered], None]] = {
    "worddocument": word.read,
    "workbook": excel.read,
    "book": excel.read,
    "powerpoint document": powerpoint.read,
}
# A whole document that only those with its key can read ([MS-OFFCRYPTO] sections 2.2.4 and 2.3.4.10), in place of it.
_LOCKED = {"encryptedpackage", "\x09drmcontent", "encryptedsummary"}
_FOREIGN = {"package", "\x01ole10native", "contents"}
"""What other programs than these have put in; or Office of today, as a ZIP file."""


def read(data: bytes, most: int, until: float) -> Read:
    """Text of the documents in a compound file, up to `most` characters and `until` (time.monotonic()).

    Raises NotReadable for other files and for damaged ones, also when damage is all that is wrong with a part of it.
    """
    compound = Compound(data)
    found, gathered = Read(), Gathered(most, until)
    at_top = {path[0].lower() for path in compound.paths if len(path) == 1}
    try:
        if at_top & _LOCKED:
            raise Locked
        if not at_top & _READERS.keys():
            raise NotReadable("document of Office")
        properties.read(compound, found.properties)
        _read_all(compound, gathered)
    except Locked:
        found.locked = True
    except Enough:
        found.truncated = True
    except (struct.error, IndexError, ValueError, OverflowError):
        raise NotReadable("document of Office") from None
    found.partly = any(len(path) > 1 and path[-1].lower() in _FOREIGN for path in compound.paths)
    found.text = gathered.text()
    return found


def _read_all(compound: Compound, gathered: Gathered) -> None:
    documents = [path for path in compound.paths if path[-1].lower() in _READERS]
    for path in sorted(documents, key=len)[:MOST_DOCUMENTS]:
        _READERS[path[-1].lower()](compound, path, gathered)
        gathered.add("\n")
    if len(documents) > MOST_DOCUMENTS:
        raise Enough
