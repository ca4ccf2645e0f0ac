"""Makes what Outlook makes: winmail.dat, .msg files and compressed RTF, from the same description of a message."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime

SENT = datetime(2026, 11, 17, 14, 48, tzinfo=UTC)
STRING8, UNICODE, BINARY, OBJECT, LONG, TIME = 0x001E, 0x001F, 0x0102, 0x000D, 0x0003, 0x0040


@dataclass
class File:
    name: str
    data: bytes
    kind: str = ""
    content_id: str = ""
    inside: Message | None = None


@dataclass
class Message:
    subject: str = "Plan"
    text: str = "Hello from Outlook"
    html: bytes = b""
    rtf: bytes = b""
    to: tuple[tuple[str, str], ...] = (("Jonas Berg", "jonas.berg@mail.example"),)
    files: list[File] = field(default_factory=list)

    def values(self) -> list[tuple[int, int, object]]:
        """Id, type and value of each property."""
        found: list[tuple[int, int, object]] = [
            (0x0037, UNICODE, self.subject),
            (0x0042, UNICODE, "Dr Maya Lindqvist"),
            (0x5D02, UNICODE, "maya@aldervalley.example"),
            (0x0039, TIME, SENT),
            (0x3FDE, LONG, 65001),
        ]
        if self.text:
            found.append((0x1000, UNICODE, self.text))
        if self.html:
            found.append((0x1013, BINARY, self.html))
        if self.rtf:
            found.append((0x1009, BINARY, self.rtf))
        return found


def packed(rtf: bytes) -> bytes:
    """RTF in its container, not compressed."""
    return struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf


def compressed(rtf: bytes) -> bytes:
    """RTF compressed by letters alone, with the reference that ends it."""
    out, place = b"", 207
    tokens = [bytes((letter,)) for letter in rtf]
    place += len(rtf)
    end = struct.pack(">H", place % 4096 << 4)
    for start in range(0, len(tokens) + 1, 8):
        block = tokens[start : start + 8]
        flags = 0 if len(block) == 8 else 1 << len(block)
        out += bytes((flags,)) + b"".join(block) + (end if len(block) < 8 else b"")
    return struct.pack("<II4sI", len(out) + 12, len(rtf), b"LZFu", 0) + out


def _encoded(kind: int, value: object) -> bytes:
    if kind == UNICODE:
        return str(value).encode("utf-16-le") + b"\0\0"
    if kind == LONG:
        assert isinstance(value, int)
        return struct.pack("<I", value)
    if kind == TIME:
        assert isinstance(value, datetime)
        ticks = int((value - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
        return struct.pack("<Q", ticks)
    assert isinstance(value, bytes)
    return value


# ---------- TNEF ----------


def tnef(message: Message) -> bytes:
    out = struct.pack("<IH", 0x223E9F78, 1)
    out += _attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
    out += _attribute(1, 0x00069003, _list(message.values()))
    rows = [[(0x3001, UNICODE, name), (0x39FE, UNICODE, address), (0x0C15, LONG, 1)] for name, address in message.to]
    out += _attribute(1, 0x00069004, struct.pack("<I", len(rows)) + b"".join(map(_list, rows)))
    for file in message.files:
        out += _attribute(2, 0x00069002, bytes(14))
        values: list[tuple[int, int, object]] = [(0x3707, UNICODE, file.name)]
        if file.kind:
            values.append((0x370E, UNICODE, file.kind))
        if file.content_id:
            values.append((0x3712, UNICODE, file.content_id))
        if file.inside is not None:
            values += [(0x3705, LONG, 5), (0x3701, OBJECT, bytes(16) + tnef(file.inside))]
        else:
            out += _attribute(2, 0x0006800F, file.data)
        out += _attribute(2, 0x00018010, file.name.encode("cp1252", "replace") + b"\0")
        out += _attribute(2, 0x00069005, _list(values))
    return out


def _attribute(level: int, id_: int, data: bytes) -> bytes:
    return struct.pack("<BII", level, id_, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def _list(values: list[tuple[int, int, object]]) -> bytes:
    out = struct.pack("<I", len(values) + 1)
    # A named property, which is passed over.
    out += struct.pack("<HH16sII", LONG, 0x8001, bytes(16), 1, 6) + b"a\0b\0\0\0\0\0" + struct.pack("<I", 7)
    for id_, kind, value in values:
        data = _encoded(kind, value)
        out += struct.pack("<HH", kind, id_)
        if kind in (UNICODE, BINARY, OBJECT):
            out += struct.pack("<II", 1, len(data))
        out += data + bytes(-len(data) % 4)
    return out


# ---------- .msg ----------

Folder = dict[str, "bytes | Folder"]


def msg(message: Message) -> bytes:
    return compound(_folder(message, bytes(32)))


def _folder(message: Message, head: bytes) -> Folder:
    folder = _properties(message.values(), head)
    for number, (name, address) in enumerate(message.to):
        values: list[tuple[int, int, object]] = [(0x3001, UNICODE, name), (0x39FE, UNICODE, address), (0x0C15, LONG, 1)]
        folder[f"__recip_version1.0_#{number:08X}"] = _properties(values, bytes(8))
    for number, file in enumerate(message.files):
        values = [(0x3707, UNICODE, file.name), (0x3712, UNICODE, file.content_id), (0x370E, UNICODE, file.kind)]
        inside: Folder = {}
        if file.inside is None:
            values.append((0x3701, BINARY, file.data))
        else:
            inside = {"__substg1.0_3701000D": _folder(file.inside, bytes(24))}
        folder[f"__attach_version1.0_#{number:08X}"] = {**_properties(values, bytes(8)), **inside}
    return folder


def _properties(values: list[tuple[int, int, object]], head: bytes) -> Folder:
    folder: Folder = {}
    listed = head
    for id_, kind, value in values:
        data = _encoded(kind, value)
        if kind in (LONG, TIME):
            listed += struct.pack("<HHI", kind, id_, 6) + data.ljust(8, b"\0")
        else:
            listed += struct.pack("<HHIII", kind, id_, 6, len(data), 0)
            folder[f"__substg1.0_{id_:04X}{kind:04X}"] = data.removesuffix(b"\0\0") if kind == UNICODE else data
    folder["__properties_version1.0"] = listed
    return folder


FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def compound(folder: Folder) -> bytes:
    """A compound file (MS-CFB, version 3): sectors of 512 bytes, and of 64 for streams under 4,096."""
    entries: list[list[object]] = [["Root Entry", 5, b"", FREE, FREE, FREE]]

    def add(below: Folder, parent: int) -> None:
        last = FREE
        for name, held in sorted(below.items(), key=lambda one: (len(one[0]), one[0].upper())):
            number = len(entries)
            entries.append([name, 2 if isinstance(held, bytes) else 1, held, FREE, FREE, FREE])
            if last == FREE:
                entries[parent][5] = number
            else:
                entries[last][4] = number  # each is the right-hand neighbour of the one before
            last = number
            if not isinstance(held, bytes):
                add(held, number)

    add(folder, 0)
    sectors: list[bytes] = []
    table: list[int] = []

    def put(data: bytes) -> int:
        if not data:
            return END
        first = len(sectors)
        pieces = [data[start : start + 512].ljust(512, b"\0") for start in range(0, len(data), 512)]
        sectors.extend(pieces)
        table.extend([*range(first + 1, first + len(pieces)), END])
        return first

    small, small_table = b"", b""
    places: list[tuple[int, int]] = []
    for _, kind, held, *_ in entries:
        data = held if kind == 2 and isinstance(held, bytes) else b""
        if 0 < len(data) < 4096:
            places.append((len(small) // 64, len(data)))
            count = -(-len(data) // 64)
            first = len(small) // 64
            small_table += struct.pack(f"<{count}I", *range(first + 1, first + count), END)
            small += data.ljust(count * 64, b"\0")
        else:
            places.append((put(data) if kind == 2 else 0, len(data)))
    places[0] = put(small), len(small)
    small_count = -(-len(small_table) // 512)
    small_first = put(small_table.ljust(small_count * 512, b"\xff"))
    written = b""
    for (name, kind, _held, left, right, child), (first, size) in zip(entries, places, strict=True):
        encoded = (str(name).encode("utf-16-le") + b"\0\0").ljust(64, b"\0")
        written += struct.pack(
            "<64sHBBIII16sI8s8sIQ",
            encoded, 2 * len(str(name)) + 2, kind, 1, left, right, child, bytes(16), 0, bytes(8), bytes(8),
            first, size,
        )  # fmt: skip
    directory = put(written.ljust(-(-len(written) // 512) * 512, b"\0"))
    tables = 1
    while (len(table) + tables) > tables * 128:
        tables += 1
    assert tables <= 109
    first_table = len(sectors)
    table += [TABLE] * tables
    data = struct.pack(f"<{len(table)}I", *table)
    data = data.ljust(tables * 512, b"\xff")
    sectors += [data[start : start + 512] for start in range(0, len(data), 512)]
    listed = [first_table + number for number in range(tables)] + [FREE] * (109 - tables)
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIII109I",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 0x3E, 3, 0xFFFE, 9, 6, bytes(6), 0, tables, directory, 0, 4096,
        small_first, small_count, END, 0, *listed,
    )  # fmt: skip
    return header[:512].ljust(512, b"\0") + b"".join(sectors)
