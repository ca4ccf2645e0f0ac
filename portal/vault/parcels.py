"""Parcels: the sealed streams of one message as one run of bytes, to travel with its notice and be posted back here.

"LLA1" | message id 16 | count u16 | for each stream: u8 length, name | u64 size | the sealed streams, in that order
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from portal.vault.blobs import store
from portal.vault.errors import NotAParcel, Truncated
from portal.vault.models import Message
from portal.vault.sources import RandomAccess

MAGIC = b"LLA1"
FILE_BYTES = 25 * 1024 * 1024
"""message.html is no larger, and so is what a browser posts of it: more than that many mail servers do not take."""
_PAGE_BYTES = 64 * 1024
"""Room for the page around the letters."""
MOST_BYTES = (FILE_BYTES - _PAGE_BYTES) // 4 * 3
"""A parcel is no longer, for base64 makes four letters of three bytes."""
HEAD_BYTES = 64 * 1024
"""Nor is its head, so that one read has all of it: 3,800 streams of usual names."""
_FIXED = struct.Struct(">4s16sH")
_SIZE = struct.Struct(">Q")
_COPY_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Head:
    """What a parcel's first bytes say: the message, and where each stream begins and how long it is."""

    message: UUID
    places: dict[str, tuple[int, int]]
    size: int
    """Bytes of the whole parcel."""

    @classmethod
    def read(cls, start: bytes) -> Head:
        """By the first HEAD_BYTES of a parcel, or all of it. NotAParcel when they say anything but one."""
        try:
            magic, message, count = _FIXED.unpack_from(start)
            if magic != MAGIC:
                raise NotAParcel
            at, sizes = _FIXED.size, {}
            for _ in range(count):
                name_ends = at + 1 + start[at]
                name = start[at + 1 : name_ends].decode("ascii")
                (sizes[name],) = _SIZE.unpack_from(start, name_ends)
                at = name_ends + _SIZE.size
        except (struct.error, IndexError, UnicodeDecodeError):
            raise NotAParcel from None
        # Two streams of one name would be two contents of one message, depending on who reads it.
        if len(sizes) != count or at > HEAD_BYTES:
            raise NotAParcel
        places = {}
        for name, size in sizes.items():
            places[name] = (at, size)
            at += size
        return cls(UUID(bytes=message), places, at)


class Parcel:
    """A parcel that lies somewhere; its streams are read where they are. NotAParcel when it is none of this message."""

    def __init__(self, source: RandomAccess, message: UUID) -> None:
        self._source = source
        self._head = Head.read(source.read_at(0, HEAD_BYTES))
        if self._head.message != message or self._head.size != source.size:
            raise NotAParcel

    def find(self, name: str) -> RandomAccess | None:
        """A sealed stream; None when the parcel has none of that name."""
        place = self._head.places.get(name)
        return _Part(self._source, *place) if place else None


class _Part:
    """A span of a source, as a source of its own."""

    def __init__(self, source: RandomAccess, start: int, size: int) -> None:
        self._source, self._start = source, start
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        # Never into the next stream: what belongs to another would only be told apart by its tag.
        return self._source.read_at(self._start + offset, max(0, min(length, self.size - offset)))


def fits(streams: Sequence[tuple[str, int]]) -> bool:
    """Whether streams of these names and sealed sizes can travel in one message.html."""
    head = len(_head(UUID(int=0), streams))
    return head <= HEAD_BYTES and head + sum(size for _, size in streams) <= MOST_BYTES


def pack(message: Message, container: dict[str, bytes]) -> tuple[int, Iterator[bytes]]:
    """A stored message as a parcel: its size in bytes, and its bytes piece by piece.

    All that is asked of the database is asked now; the pieces are read from the blob store, in any thread.
    """
    blobs = list(message.blobs.order_by("name").values_list("id", "name", "size"))
    small = [(name, len(sealed)) for name, sealed in container.items()]
    head = _head(message.id, [*small, *((name, size) for _, name, size in blobs)])
    size = len(head) + sum(size for _, size in small) + sum(size for _, _, size in blobs)

    def pieces() -> Iterator[bytes]:
        yield head
        yield from container.values()
        for blob, _, length in blobs:
            yield from _copied(blob, length)

    return size, pieces()


def _head(message: UUID, streams: Sequence[tuple[str, int]]) -> bytes:
    parts = [_FIXED.pack(MAGIC, message.bytes, len(streams))]
    for name, size in streams:
        encoded = name.encode("ascii")
        parts.append(bytes((len(encoded),)) + encoded + _SIZE.pack(size))
    return b"".join(parts)


def _copied(blob: UUID, size: int) -> Iterator[bytes]:
    with store().open(blob) as source:
        if source.size != size:
            raise Truncated
        for at in range(0, size, _COPY_BYTES):
            piece = source.read_at(at, min(_COPY_BYTES, size - at))
            if len(piece) != min(_COPY_BYTES, size - at):
                raise Truncated
            yield piece
