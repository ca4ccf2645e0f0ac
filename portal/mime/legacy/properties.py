"""Properties of a document in a compound file: title, author and the like, and its custom ones ([MS-OLEPS])."""

from __future__ import annotations

import struct

from portal.mime import charsets
from portal.mime.compound import Compound
from portal.mime.errors import NotReadable
from portal.mime.gathering import LONGEST_PROPERTY, MOST_PROPERTIES, keep

_SUMMARY, _MORE = "\x05summaryinformation", "\x05documentsummaryinformation"
# PIDSI_TITLE and so on, by the names that Office of today writes.
_NAMES: dict[str, dict[int, str]] = {
    _SUMMARY: {2: "title", 3: "subject", 4: "creator", 5: "keywords", 6: "description", 8: "lastmodifiedby"},
    _MORE: {2: "category", 14: "manager", 15: "company", 27: "contentstatus", 28: "language"},
}
_CUSTOM = bytes.fromhex("05d5cdd59c2e1b10939708002b2cf9ae")
_DICTIONARY, _CODEPAGE = 0, 1
_INT16, _INT32, _BOOL, _STRING, _WIDE_STRING = 0x02, 0x03, 0x0B, 0x1E, 0x1F
_UTF_16 = 1200


def read(compound: Compound, into: dict[str, str]) -> None:
    """Adds those of the document itself, not of one within it. What is damaged is left out."""
    for path in compound.paths:
        if len(path) == 1 and path[0].lower() in _NAMES:
            try:
                _read_set(compound.stream(path), _NAMES[path[0].lower()], into)
            except (struct.error, NotReadable, ValueError):
                continue


def _read_set(data: bytes, names: dict[int, str], into: dict[str, str]) -> None:
    (count,) = struct.unpack_from("<I", data, 24)
    for number in range(min(count, 2)):
        family, place = struct.unpack_from("<16sI", data, 28 + 20 * number)
        section = data[place:]
        (held,) = struct.unpack_from("<I", section, 4)
        places: dict[int, int] = dict(
            struct.unpack_from("<II", section, 8 + 8 * one) for one in range(min(held, MOST_PROPERTIES))
        )
        codepage = _codepage(section, places)
        if number:
            called = _dictionary(section, places.get(_DICTIONARY, 0), codepage) if family == _CUSTOM else {}
        else:
            called = names
        for id_, name in called.items():
            if id_ in places:
                keep(into, name, _value(section, places[id_], codepage))


def _codepage(section: bytes, places: dict[int, int]) -> int:
    return (
        int.from_bytes(section[places[_CODEPAGE] + 4 : places[_CODEPAGE] + 6], "little")
        if _CODEPAGE in places
        else 1252
    )


def _dictionary(section: bytes, place: int, codepage: int) -> dict[int, str]:
    """The names of custom properties, by their numbers (Dictionary)."""
    found: dict[int, str] = {}
    (count,) = struct.unpack_from("<I", section, place)
    place += 4
    for _ in range(min(count, MOST_PROPERTIES)):
        id_, length = struct.unpack_from("<II", section, place)
        length *= 2 if codepage == _UTF_16 else 1
        found[id_] = _decoded(section[place + 8 : place + 8 + min(length, 4 * LONGEST_PROPERTY)], codepage)
        place += 8 + (length + 3 & ~3 if codepage == _UTF_16 else length)
    return found


def _value(section: bytes, place: int, codepage: int) -> str:
    """A text, a number, or yes and no as Office of today writes them; "" for any other."""
    (kind,) = struct.unpack_from("<H", section, place)
    value = section[place + 4 : place + 4 + 4 * LONGEST_PROPERTY]
    if kind == _BOOL:
        return "true" if value[:2] != b"\0\0" else "false"
    if kind in (_INT16, _INT32):
        return str(int.from_bytes(value[: 2 if kind == _INT16 else 4], "little", signed=True))
    if kind not in (_STRING, _WIDE_STRING):
        return ""
    (length,) = struct.unpack_from("<I", value)
    if kind == _WIDE_STRING:
        length, codepage = 2 * length, _UTF_16
    return _decoded(value[4 : 4 + length], codepage)


def _decoded(data: bytes, codepage: int) -> str:
    if codepage == _UTF_16:
        return data[: len(data) & ~1].decode("utf-16-le", "replace").partition("\0")[0]
    return charsets.decode(data.partition(b"\0")[0], charsets.of_codepage(codepage))
