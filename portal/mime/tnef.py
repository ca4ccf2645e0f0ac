"""Opens winmail.dat, in which Outlook and Exchange wrap a message for their own kind (TNEF, MS-OXTNEF)."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from portal.mime import mapi
from portal.mime.errors import NotReadable
from portal.mime.mapi import Item, Properties, Value

SIGNATURE = b"\x78\x9f\x3e\x22"
_MOST_ATTRIBUTES = 20_000
_MOST_VALUES = 20_000
_MULTIPLE = 0x1000

# Attributes by the low half of their ids (MS-OXTNEF §2.1.1).
_OF_MESSAGE, _OF_FILE = 1, 2
_NEW_FILE, _FILE_PROPERTIES, _FILE_DATA, _FILE_NAME = 0x9002, 0x9005, 0x800F, 0x8010
_PROPERTIES, _RECIPIENTS, _CODEPAGE = 0x9003, 0x9004, 0x9007
_SUBJECT, _BODY, _SENT = 0x8004, 0x800C, 0x8005
_EMBEDDED = 5  # how a file is attached: as a message (MS-OXCMSG §2.2.2.9)


def read(data: bytes) -> Item:
    """The message in a TNEF stream. Raises NotReadable."""
    try:
        return _read(data, 0)
    except NotReadable:
        raise
    except (struct.error, ValueError, OverflowError, RecursionError):
        raise NotReadable("TNEF") from None


def _read(data: bytes, depth: int) -> Item:
    if not data.startswith(SIGNATURE) or len(data) > mapi.LARGEST:
        raise NotReadable("TNEF")
    item = Item()
    held: Properties = {}
    holds = b""
    opened = False
    position = 6
    for _ in range(_MOST_ATTRIBUTES):
        if position + 9 > len(data):
            break
        level, id_, _kind, length = struct.unpack_from("<BHHI", data, position)
        start, position = position + 9, position + 9 + length + 2
        if level not in (_OF_MESSAGE, _OF_FILE) or position > len(data) + 2:
            raise NotReadable("TNEF")  # what was cut short would lose the rest of its files
        value = data[start : start + length]
        if level == _OF_FILE:
            if id_ == _NEW_FILE:
                if opened:
                    _add(item, held, holds, depth)
                held, holds, opened = {}, b"", True
            elif id_ == _FILE_DATA:
                holds = value
            elif id_ == _FILE_NAME:
                held.setdefault(0x3704, value)
            elif id_ == _FILE_PROPERTIES:
                held.update(_properties(value, 0)[0])
        else:
            _of_message(item, id_, value)
    if opened:
        _add(item, held, holds, depth)
    return item


def _of_message(item: Item, id_: int, value: bytes) -> None:
    if id_ == _PROPERTIES:
        item.properties.update(_properties(value, 0)[0])
    elif id_ == _RECIPIENTS:
        item.recipients += _rows(value)
    elif id_ == _CODEPAGE and len(value) >= 4:
        item.properties.setdefault(0x3FFD, int.from_bytes(value[:4], "little"))
    elif id_ == _SUBJECT:
        item.properties.setdefault(mapi.SUBJECT, value)
    elif id_ == _BODY:
        item.properties.setdefault(mapi.BODY, value)
    elif id_ == _SENT and len(value) >= 12:
        item.properties.setdefault(0x0039, _date(value))


def _date(value: bytes) -> datetime:
    year, month, day, hour, minute, second = struct.unpack_from("<6H", value)
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _add(item: Item, held: Properties, holds: bytes, depth: int) -> None:
    if len(item.files) >= mapi.MOST_FILES:
        raise NotReadable("TNEF")
    inside = held.pop(mapi.DATA, b"")
    if isinstance(inside, bytes) and inside and held.get(0x3705) == _EMBEDDED:
        inner = inside[16:]  # behind the id of the interface that it was written for (MS-OXTNEF §2.1.3.4.2)
        if depth < mapi.DEEPEST:
            item.files.append((held, _read(inner, depth + 1)))
        else:
            item.files.append((held, inner))
        return
    item.files.append((held, holds or (inside if isinstance(inside, bytes) else b"")))


def _rows(data: bytes) -> list[Properties]:
    (count,) = struct.unpack_from("<I", data)
    rows: list[Properties] = []
    position = 4
    for _ in range(min(count, 1000)):
        row, position = _properties(data, position)
        rows.append(row)
    return rows


def _properties(data: bytes, position: int) -> tuple[Properties, int]:
    """A property list (MS-OXTNEF §2.1.3.4) and where it ends; named properties are passed over."""
    (count,) = struct.unpack_from("<I", data, position)
    position += 4
    if count > _MOST_VALUES:
        raise NotReadable("TNEF")
    found: Properties = {}
    for _ in range(count):
        kind, id_ = struct.unpack_from("<HH", data, position)
        position += 4
        if id_ >= 0x8000:
            (named,) = struct.unpack_from("<I", data, position + 16)
            (number,) = struct.unpack_from("<I", data, position + 20)
            position += 24 + (_padded(number) if named else 0)
        value, position = _value(data, position, kind)
        if value is not None and id_ < 0x8000:
            found[id_] = value
    return found, position


def _value(data: bytes, position: int, kind: int) -> tuple[Value | None, int]:
    single = kind & ~_MULTIPLE
    if single in mapi.FIXED or single == 0x0048:
        size = _padded(mapi.FIXED.get(single, 16))
        count = 1
        if kind & _MULTIPLE:
            (count,) = struct.unpack_from("<I", data, position)
            position += 4
        end = position + count * size
        if end > len(data):
            raise NotReadable("TNEF")
        value = mapi.fixed(single, data[position : position + size]) if single in mapi.FIXED else None
        return (None if kind & _MULTIPLE else value), end
    if single not in (mapi.STRING8, mapi.UNICODE, mapi.BINARY, mapi.OBJECT):
        raise NotReadable("TNEF")  # of unknown length
    (count,) = struct.unpack_from("<I", data, position)
    position += 4
    first: Value | None = None
    for place in range(count):
        if place >= _MOST_VALUES:
            raise NotReadable("TNEF")
        (length,) = struct.unpack_from("<I", data, position)
        position += 4
        if position + length > len(data):
            raise NotReadable("TNEF")
        if place == 0:
            first = mapi.variable(single, data[position : position + length])
        position += _padded(length)
    return first, position


def _padded(length: int) -> int:
    return (length + 3) & ~3
