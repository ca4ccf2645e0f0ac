"""Messages as Outlook keeps them, properties by number (MS-OXPROPS), made into mail to be read as all mail is."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from portal.mime import charsets, rtf
from portal.mime.building import Found, rebuilt
from portal.mime.fields import one_line

MOST_FILES = 200
DEEPEST = 3
"""Messages within messages that are opened; what lies deeper is left out, and stays in the file itself."""
LARGEST = 32 * 1024 * 1024
"""Bytes of a file that is opened."""

STRING8, UNICODE, BINARY, OBJECT = 0x001E, 0x001F, 0x0102, 0x000D
FIXED = {0x0002: 2, 0x0003: 4, 0x0004: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x000A: 4, 0x000B: 2, 0x0014: 8, 0x0040: 8}
"""Bytes of the types that have one size (MS-OXCDATA §2.11.1)."""
_TIME, _LONG, _WHOLE = 0x0040, 0x0003, {0x0002, 0x0003, 0x000B}

SUBJECT, BODY, HTML, RTF = 0x0037, 0x1000, 0x1013, 0x1009
_SENT, _DELIVERED, _MESSAGE_ID = 0x0039, 0x0E06, 0x1035
_CODEPAGES = 0x3FFD, 0x3FDE  # of 8-bit strings; of the HTML
_SENDER_NAMES = 0x0042, 0x0C1A  # on whose behalf first
_SENDER_ADDRESSES = 0x5D02, 0x5D01, 0x0065, 0x0C1F
_NAME, _KIND, _ADDRESSES = 0x3001, 0x0C15, (0x39FE, 0x3003)
_DISPLAYED = {1: 0x0E04, 2: 0x0E03}
DATA = 0x3701
_FILE_NAMES, _FILE_TYPE, _FILE_ID = (0x3707, 0x3704, 0x3001), 0x370E, 0x3712

WANTED = {SUBJECT, BODY, HTML, RTF, _SENT, _DELIVERED, _MESSAGE_ID, *_CODEPAGES, *_SENDER_NAMES, *_SENDER_ADDRESSES,
          _NAME, _KIND, *_ADDRESSES, *_DISPLAYED.values(), DATA, *_FILE_NAMES, _FILE_TYPE, _FILE_ID}  # fmt: skip
"""The properties that are read of a file; there may be thousands of others."""

Value = str | bytes | int | datetime
Properties = dict[int, Value]


@dataclass(slots=True, repr=False)
class Item:
    """A message: its properties by their ids, its recipients' and its files' with what each holds."""

    properties: Properties = field(default_factory=dict)
    recipients: list[Properties] = field(default_factory=list)
    files: list[tuple[Properties, bytes | Item]] = field(default_factory=list)


def fixed(kind: int, data: bytes) -> Value | None:
    """A value of a type in FIXED; None where nothing here asks for it."""
    if kind == _TIME:
        (ticks,) = struct.unpack("<Q", data[:8])
        # 100 nanoseconds since 1601 (MS-DTYP §2.3.3)
        return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10) if ticks < 2**61 else None
    if kind in _WHOLE:
        return int.from_bytes(data[: 4 if kind == _LONG else 2], "little")
    return None


def variable(kind: int, data: bytes) -> Value:
    """A value of the other types; 8-bit text stays bytes until the codepage of its message is known."""
    return data.decode("utf-16-le", "replace").rstrip("\0") if kind == UNICODE else data


def as_mail(item: Item) -> bytes:
    """The message as mail (RFC 5322), UTF-8 throughout. Raises LookupError, ValueError and the like on odd values."""
    text, html = _bodies(item)
    return rebuilt(_fields(item), text, html, [_found(item, held, data) for held, data in item.files])


def _bodies(item: Item) -> tuple[str, str]:
    text = _text(item, item.properties, BODY)
    html = item.properties.get(HTML, "")
    if isinstance(html, bytes):
        html = charsets.decode(html, _codepage(item, reversed(_CODEPAGES)))
    packed = item.properties.get(RTF)
    if not (isinstance(html, str) and html) and isinstance(packed, bytes):
        found = rtf.read(packed)
        html, text = found.html, text or found.text
    return text, html if isinstance(html, str) else ""


def _codepage(item: Item, ids: Iterable[int] = _CODEPAGES) -> str:
    for id_ in ids:
        number = item.properties.get(id_)
        if isinstance(number, int) and number:
            return charsets.of_codepage(number)
    return ""


def _text(item: Item, properties: Properties, *ids: int) -> str:
    """The first of these properties that holds text."""
    for id_ in ids:
        value = properties.get(id_, "")
        if isinstance(value, bytes):
            value = charsets.decode(value.rstrip(b"\0"), _codepage(item))
        if isinstance(value, str) and value.strip("\0 "):
            return value.replace("\0", "")
    return ""


def _fields(item: Item) -> list[tuple[str, str]]:
    sent = item.properties.get(_SENT, item.properties.get(_DELIVERED))
    addresses = (_text(item, item.properties, id_) for id_ in _SENDER_ADDRESSES)
    address = next((found for found in addresses if "@" in found), "")
    return [
        ("From", _mailbox(_text(item, item.properties, *_SENDER_NAMES), address)),
        ("To", _people(item, 1)),
        ("Cc", _people(item, 2)),
        ("Subject", _text(item, item.properties, SUBJECT)),
        ("Date", format_datetime(sent) if isinstance(sent, datetime) else ""),
        ("Message-ID", _text(item, item.properties, _MESSAGE_ID)),
    ]


def _people(item: Item, kind: int) -> str:
    of_kind = [held for held in item.recipients if held.get(_KIND, 1) == kind]
    written = []
    for held in of_kind:
        found = (_text(item, held, id_) for id_ in _ADDRESSES)
        written.append(_mailbox(_text(item, held, _NAME), next((one for one in found if "@" in one), "")))
    return ", ".join(filter(None, written)) or _text(item, item.properties, _DISPLAYED[kind])


def _mailbox(name: str, address: str) -> str:
    name = one_line(name).replace("\\", "").replace('"', "'").strip()
    if not address:
        return f'"{name}"' if name else ""
    return f'"{name}" <{address}>' if name and name != address else address


def _found(item: Item, held: Properties, data: bytes | Item) -> Found:
    name = _text(item, held, *_FILE_NAMES)
    if isinstance(data, Item):
        subject = _text(data, data.properties, SUBJECT)
        return Found(f"{subject or name or 'message'}.eml", "message/rfc822", "", as_mail(data))
    kind = _text(item, held, _FILE_TYPE).lower()
    content_id = _text(item, held, _FILE_ID).strip("<> ")
    return Found(name, kind if "/" in kind else "application/octet-stream", content_id, data)
