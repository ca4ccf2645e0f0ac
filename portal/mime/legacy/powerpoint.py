"""The text of a presentation of PowerPoint 97 to 2003: slides, notes, masters and comments ([MS-PPT])."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from portal.mime import magic
from portal.mime.compound import Compound, Path
from portal.mime.errors import NotReadable
from portal.mime.gathering import Gathered, Locked
from portal.mime.packages import MOST_BYTES, TooMuch

_HEAD = 8
_HOLDS_OTHERS = 0xF
"""The version of a record that is made of records (section 2.3.1)."""
_TEXT_16, _TEXT_8, _STRING, _STORAGE, _TAGS = 0x0FA0, 0x0FA8, 0x0FBA, 0x1011, 0x138B
_EDIT, _DIRECTORY = 0x0FF5, 0x1772
_ENCRYPTED_EDIT_BYTES, _ENCRYPTED_TOKEN = 0x20, 0xF3D1C4DF
_MOST_EDITS, _MOST_PLACES = 10_000, 200_000
_OFTEN = 512
_MARKS = str.maketrans({"\r": "\n", "\x0b": "\n", "\0": None})


def read(compound: Compound, path: Path, gathered: Gathered, part: Callable[[bytes, str], None]) -> None:
    """All that is in the file, earlier edits too; `part` takes what other programs have put in.

    Raises NotReadable, Locked, Enough, TooMuch, struct.error.
    """
    data = compound.stream(path)
    user = next((one for one in compound.paths if _is_user(one, path)), None)
    if user is None:
        raise NotReadable("presentation")
    _Walk(data, _places(data, compound.stream(user)), gathered, part).all()


class _Walk:
    """Over the records of a presentation, from the first to the last: those that belong to it now lie among older ones,
    and there may be gaps between them."""

    def __init__(self, data: bytes, wanted: set[int], gathered: Gathered, part: Callable[[bytes, str], None]) -> None:
        self._data, self._gathered, self._part = data, gathered, part
        self._wanted = wanted
        """Where parts of the presentation begin that were not met so far."""

    def all(self) -> None:
        starts = sorted(self._wanted)
        place = number = 0
        while place + _HEAD <= len(self._data):
            while number < len(starts) and starts[number] <= place:
                number += 1
            following = starts[number] if number < len(starts) else len(self._data)
            _, kind, length = struct.unpack_from("<HHI", self._data, place)
            end = place + _HEAD + length
            if place in self._wanted or (kind and end <= following):
                self._record(place, end)
            else:
                end = following
            place = end
        if self._wanted:  # PowerPoint would show what lies within another record and was not seen here
            raise NotReadable("presentation")

    def _record(self, place: int, last: int) -> None:
        """One that stands by itself, and all that it is made of."""
        if last > len(self._data):
            raise NotReadable("presentation")
        count = 0
        while place + _HEAD <= last:
            if count % _OFTEN == 0:
                self._gathered.look_at_the_clock()
            count += 1
            version, kind, length = struct.unpack_from("<HHI", self._data, place)
            self._wanted.discard(place)
            place += _HEAD
            # The styles of tables are a ZIP file, in a record that says it is made of records.
            if version & 0xF != _HOLDS_OTHERS or self._data.startswith(magic.ZIP, place):
                if place + length > last:
                    raise NotReadable("presentation")
                self._atom(version, kind, self._data[place : place + length])
                place += length

    def _atom(self, version: int, kind: int, data: bytes) -> None:
        if kind in (_TEXT_16, _STRING):
            self._gathered.add(data.decode("utf-16-le", "replace").translate(_MARKS) + "\n")
        elif kind == _TEXT_8:
            self._gathered.add(data.decode("latin-1").translate(_MARKS) + "\n")
        elif kind == _TAGS:
            self._tags(data)
        elif kind == _STORAGE:
            self._gathered.look_at_the_clock()
            self._part(_unpacked(data, is_packed=version >> 4 == 1), "")

    def _tags(self, data: bytes) -> None:
        """What later versions have added, comments among it: records again, or something else."""
        place = 0
        while place + _HEAD <= len(data):
            version, kind, length = struct.unpack_from("<HHI", data, place)
            place += _HEAD
            if version & 0xF != _HOLDS_OTHERS:
                if place + length > len(data) or kind in (_TAGS, _STORAGE):
                    return
                self._atom(version, kind, data[place : place + length])
                place += length


def _unpacked(data: bytes, *, is_packed: bool) -> bytes:
    """The compound file of an object or of macros, perhaps behind its length and packed (ExOleObjStg); as it is when
    it is damaged."""
    if not is_packed:
        return data
    try:
        unpacked = zlib.decompressobj().decompress(data[4:], MOST_BYTES + 1)
    except zlib.error:
        return data
    if len(unpacked) > MOST_BYTES:
        raise TooMuch
    return unpacked


def _is_user(one: Path, path: Path) -> bool:
    return one[:-1] == path[:-1] and one[-1].lower() == "current user"


def _places(data: bytes, user: bytes) -> set[int]:
    """Where what belongs to the presentation begins, by the edits it has gone through, the last one first
    (sections 2.3.2 to 2.3.4)."""
    token, edit = struct.unpack_from("<II", user, _HEAD + 4)
    if token == _ENCRYPTED_TOKEN:
        raise Locked
    found: list[int] = []
    for _ in range(_MOST_EDITS):
        _, kind, length = struct.unpack_from("<HHI", data, edit)
        if kind != _EDIT:
            raise NotReadable("presentation")
        if length >= _ENCRYPTED_EDIT_BYTES:
            raise Locked
        before, directory = struct.unpack_from("<II", data, edit + _HEAD + 8)
        _add_directory(data, directory, found)
        if not before or before == edit:
            return set(found)
        edit = before
    raise NotReadable("presentation")


def _add_directory(data: bytes, directory: int, found: list[int]) -> None:
    """The places in runs, each behind the first one's number and how many they are (section 2.3.5)."""
    _, kind, length = struct.unpack_from("<HHI", data, directory)
    if kind != _DIRECTORY or length > len(data) or len(found) + length // 4 > _MOST_PLACES:
        raise NotReadable("presentation")
    place, end = directory + _HEAD, directory + _HEAD + length
    while place < end:
        count = int.from_bytes(data[place : place + 4], "little") >> 20
        if not count:
            raise NotReadable("presentation")
        found += struct.unpack_from(f"<{count}I", data, place + 4)
        place += 4 + 4 * count
