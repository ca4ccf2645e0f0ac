"""A zip of .eml files read as it comes, member by member, in constant memory and without a file (APPNOTE.TXT 6.3.10).

A zip's directory is at its end, and nothing may lie on a disk in clear until then; so what counts is each member's
local header. A member that cannot be taken is that member's matter; where the next one begins can no longer be told,
or where the archive is a bomb, the run ends there.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from django.conf import settings

from portal.ingest.bulk_errors import BodyRefused, ItemRefused
from portal.ingest.data import LineEnds
from portal.ingest.errors import TooLarge
from portal.ingest.intake import Named

PIECE_BYTES = 256 * 1024
MOST_RATIO = 100
RATIO_COUNTS_FROM = 64 << 20
"""A body may hold this many bytes and at most MOST_RATIO times its own length beyond them."""
MOST_NAME_BYTES = 255

_LOCAL, _DESCRIPTOR = b"PK\x03\x04", b"PK\x07\x08"
_DIRECTORY = (b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x08")
_HEADER = struct.Struct("<HHHHHLLLHH")
_ENCRYPTED, _SIZES_FOLLOW, _UTF8, _MASKED = 0x0001, 0x0008, 0x0800, 0x2040
_STORED, _DEFLATED = 0, 8
_ZIP64 = 0x0001
_UNKNOWN = 0xFFFFFFFF


def members(chunks: Iterable[bytes]) -> Iterator[Member]:
    """Every member that is no folder, with its number from 1; each is finished before the next. Raises BodyRefused."""
    tape, number = _Tape(chunks), 0
    while True:
        mark = tape.exactly(4)
        if mark in _DIRECTORY:
            break
        if mark != _LOCAL:
            raise BodyRefused(
                "This is not a zip archive." if not number else "The archive is damaged: no member where one must be."
            )
        member = _member(tape, number + 1)
        if member.folder:
            member.finish()
            continue
        number += 1
        yield member
        member.finish()
    while tape.some():
        pass


class Member:
    """One member of the archive."""

    def __init__(self, tape: _Tape, number: int, name: str, header: _Header) -> None:
        self.number, self.name = number, name[:MOST_NAME_BYTES]
        self.size = 0
        self.folder = name.endswith(("/", "\\")) and not header.size
        self._tape, self._header, self._long_name = tape, header, len(name) > MOST_NAME_BYTES
        self._left = header.packed or 0
        """Bytes of it that are still to come, where they are known."""
        self._digest = hashlib.sha256(name.encode("utf-8", "replace"))
        self._taken = self._out = self._crc = 0
        self._ended = False
        self._content = self._plain()

    def __repr__(self) -> str:
        return f"Member({self.number})"

    def mail(self) -> tuple[Named, Iterable[bytes]]:
        """The mail, its own header naming sender and recipients. Raises NotTaken, also while it is read."""
        self._check()
        return Named("api"), self._lines()

    def finish(self) -> bytes:
        """Pass over what is left. Raises BodyRefused where its end cannot be found."""
        if not self._ended and self._header.packed is None:
            with suppress(ItemRefused):
                for _ in self._content:  # only inflating it tells where it ends
                    pass
        elif not self._ended:
            while self._piece():
                pass
            self._after()
        return self._digest.digest()

    def _check(self) -> None:
        header = self._header
        if header.flags & (_ENCRYPTED | _MASKED):
            raise ItemRefused("This file is encrypted in the archive: write it without a password.")
        parts = self.name.replace("\\", "/").split("/")
        if self._long_name or ".." in parts or parts[0] == "" or ":" in parts[0] or not self.name.isprintable():
            raise ItemRefused(
                f"The name of this file is not a plain path of at most {MOST_NAME_BYTES} letters within the archive."
            )
        if not self.name.lower().endswith(".eml"):
            raise ItemRefused("This is not a mail: files of an archive must end in .eml.")
        if header.method not in (_STORED, _DEFLATED):
            raise ItemRefused("This file is packed in a way that is not read here: use deflate, as zip does by itself.")
        if header.size is not None and header.size > settings.LETTERLOCK.max_message_bytes:
            raise TooLarge(settings.LETTERLOCK.max_message_bytes)

    def _lines(self) -> Iterator[bytes]:
        line_ends = LineEnds()
        for piece in self._content:
            yield line_ends.feed(piece)
        yield line_ends.finish()

    def _plain(self) -> Iterator[bytes]:
        """The member's content; at its end its checksum and length are known to be right."""
        for piece in self._inflated() if self._header.method == _DEFLATED else iter(self._piece, b""):
            self._out += len(piece)
            self._crc = zlib.crc32(piece, self._crc)
            self._tape.count(len(piece))
            yield piece
        self._after()
        if self._crc != self._header.crc or (self._header.size is not None and self._out != self._header.size):
            raise ItemRefused("This file is damaged in the archive: its checksum is not that of its content.")

    def _inflated(self) -> Iterator[bytes]:
        inflater, unknown = zlib.decompressobj(-zlib.MAX_WBITS), self._header.packed is None
        while not inflater.eof:
            piece = self._tape.some() if unknown else self._piece()
            if not piece:
                self._damaged()
            data, out = piece, b""
            while not inflater.eof and (data or len(out) == PIECE_BYTES):
                try:
                    out = inflater.decompress(data, PIECE_BYTES)
                except zlib.error:
                    self._damaged()
                data = inflater.unconsumed_tail
                if out:
                    yield out
            if unknown:
                used = piece[: len(piece) - len(inflater.unused_data)]
                self._digest.update(used)
                self._taken += len(used)
                self._tape.back(inflater.unused_data)
        if not unknown and (inflater.unused_data or self._left):
            self._damaged()

    def _damaged(self) -> NoReturn:
        if self._header.packed is None:
            raise BodyRefused("The archive is damaged within a file, so where the next one begins is not known.")
        raise ItemRefused("This file is damaged in the archive: it does not unpack.")

    def _piece(self) -> bytes:
        """The next bytes of it as packed; b"" at its end."""
        if not self._left:
            return b""
        piece = self._tape.some()
        if not piece:
            raise BodyRefused("The archive ends within a file: send it whole.")
        if len(piece) > self._left:
            self._tape.back(piece[self._left :])
            piece = piece[: self._left]
        self._left -= len(piece)
        self._taken += len(piece)
        self._digest.update(piece)
        return piece

    def _after(self) -> None:
        """Read the data descriptor, if there is one (APPNOTE 4.3.9): its mark may be missing, and its lengths have
        eight bytes where the local header has the field for long ones."""
        self._ended = True
        header = self._header
        if not header.flags & _SIZES_FOLLOW:
            return
        first = self._tape.exactly(4)
        crc = self._tape.exactly(4) if first == _DESCRIPTOR else first
        form = "<QQ" if header.long else "<LL"
        packed, size = struct.unpack(form, self._tape.exactly(struct.calcsize(form)))
        if packed != self._taken:
            raise BodyRefused("The archive is damaged behind a file, so where the next one begins is not known.")
        header.crc, header.size = int.from_bytes(crc, "little"), size


@dataclass
class _Header:
    """What the local header says of a member; with a descriptor behind it, checksum and size are known later."""

    flags: int
    method: int
    crc: int
    packed: int | None
    size: int | None
    long: bool


def _member(tape: _Tape, number: int) -> Member:
    _, flags, method, _, _, crc, packed, size, name_length, extra_length = _HEADER.unpack(tape.exactly(_HEADER.size))
    name = tape.exactly(name_length).decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    long = _long_lengths(tape.exactly(extra_length))
    if long is not None:
        size = long.pop(0) if size == _UNKNOWN and long else size
        packed = long.pop(0) if packed == _UNKNOWN and long else packed
    header = _Header(flags, method, crc, packed, size, long is not None)
    if flags & _SIZES_FOLLOW and packed in (0, _UNKNOWN):
        if method != _DEFLATED or flags & _ENCRYPTED:
            raise BodyRefused(
                f"File {number:,} of the archive is encrypted or stored without its length, so where the next one "
                "begins is not known: write the archive with deflate and without a password."
            )
        header.packed = header.size = None
    elif _UNKNOWN in (packed, size):
        raise BodyRefused("The archive is damaged: a long file has no length.")
    return Member(tape, number, name, header)


def _long_lengths(extra: bytes) -> list[int] | None:
    """The long lengths (APPNOTE 4.5.3), size before packed size, those whose short field is all ones; None without."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _ZIP64:
            return [int.from_bytes(field[at : at + 8], "little") for at in range(0, len(field) - 7, 8)]
    return None


class _Tape:
    """A body that is read forwards, a little of it put back at times."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._kept = b""
        self._in = self._out = 0

    def some(self) -> bytes:
        """The next bytes there are; b"" at the end."""
        if self._kept:
            kept, self._kept = self._kept, b""
            return kept
        chunk = next(self._chunks, b"")
        self._in += len(chunk)
        return chunk

    def back(self, data: bytes) -> None:
        self._kept = data + self._kept

    def exactly(self, length: int) -> bytes:
        """Raises BodyRefused when the body ends before."""
        found = b""
        while len(found) < length:
            piece = self.some()
            if not piece:
                raise BodyRefused("The archive ends too early: send it whole.")
            found += piece
        self.back(found[length:])
        return found[:length]

    def count(self, unpacked: int) -> None:
        """Raises BodyRefused when more came out of it than a zip of mails can hold."""
        self._out += unpacked
        if self._out > RATIO_COUNTS_FROM + MOST_RATIO * self._in:
            raise BodyRefused(
                f"The archive unpacks to more than {MOST_RATIO} times its length, the limit here: "
                "hand those mails in without packing them."
            )
