"""The sealed stream: bytes in authenticated chunks, any range of which opens alone (docs/sealed-format.md).

header   "LLS1" | suite u8 | log2(chunk) u8 | salt 32 | commitment 32
chunk i  AES-256-GCM(stream key, nonce = i as u88 | last u8, at most one chunk of plaintext) -> ciphertext | tag 16
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.keys.binding import bound
from portal.vault.behind import Write, WriteBehind, write_whole
from portal.vault.errors import (
    EmptyStream,
    NotAStream,
    SealBroken,
    StreamTooLong,
    Truncated,
    UnknownFormat,
    UnknownSuite,
    UnknownVersion,
)
from portal.vault.padding import padded_length, padding
from portal.vault.sources import RandomAccess

FAMILY = b"LLS"
MAGIC = FAMILY + b"1"
SUITE_AES_256_GCM = 1
CHUNK_SMALL = 16  # log2: 64 KiB, for content below LARGE_FROM
CHUNK_LARGE = 20  # log2: 1 MiB
LARGE_FROM = 16 * 1024 * 1024
KEY_SIZE = 32
SALT_SIZE = 32
COMMITMENT_SIZE = 32
TAG_SIZE = 16
HEADER_SIZE = len(MAGIC) + 2 + SALT_SIZE + COMMITMENT_SIZE
MAX_CHUNKS = 1 << 32
_LABEL = "letterlock/v1/stream"


@dataclass(frozen=True, slots=True)
class Context:
    """The one place a stream belongs to: its message (or spool entry) and its name there, such as "toc" or "part/3"."""

    message_id: UUID
    name: str


def chunk_log2_for(length: int) -> int:
    """The chunk size, as its log2, for `length` bytes of plaintext."""
    return CHUNK_SMALL if length < LARGE_FROM else CHUNK_LARGE


def sealed_size(length: int, chunk_log2: int) -> int:
    """How many bytes a stream of `length` bytes of plaintext (padding included) takes."""
    chunks = max(1, -(-length >> chunk_log2) if length else 1)
    return HEADER_SIZE + length + chunks * TAG_SIZE


class Sealer:
    """Seals one stream front to back in constant memory: write `header`, every `update`, then one of the two endings.

    `key` is the 32-byte message key. `size` counts the plaintext fed so far, in bytes.
    """

    def __init__(self, key: bytes, context: Context, chunk_log2: int = CHUNK_SMALL) -> None:
        if not CHUNK_SMALL <= chunk_log2 <= CHUNK_LARGE:
            raise ValueError("the chunk size is 2^16 to 2^20 bytes")
        # A fresh salt gives every stream its own key, so a nonce counted from zero never meets the same key twice,
        # even when one message seals a stream of the same name again.
        salt = os.urandom(SALT_SIZE)
        stream_key, commitment = _derive(key, salt, context, chunk_log2)
        self.header = MAGIC + bytes((SUITE_AES_256_GCM, chunk_log2)) + salt + commitment
        self.size = 0
        self._aead = AESGCM(stream_key)
        self._chunk = 1 << chunk_log2
        self._waiting = memoryview(b"")  # the chunk being filled, made when first needed: its first `_filled` bytes
        self._filled = 0
        self._index = 0
        self._finished = False

    def update(self, data: bytes | bytearray | memoryview) -> bytes:
        """Feed plaintext; returns the sealed bytes that are ready, often none."""
        sealed: list[bytes] = []
        self._feed(data, lambda chunk: sealed.append(self._seal(chunk, last=False)))
        self.size += len(data)
        return sealed[0] if len(sealed) == 1 else b"".join(sealed)

    def finish(self) -> bytes:
        """The last sealed bytes, for content that its owner has padded already. Nothing can be fed after it."""
        return self._seal(self._ended(), last=True)

    def finish_padded(self) -> Iterator[bytes]:
        """The last sealed bytes, Padmé padding before them. A reader needs the true length, `size`, from elsewhere."""
        sealed: list[bytes] = []
        for zeros in padding(self.size):
            self._feed(zeros, lambda chunk: sealed.append(self._seal(chunk, last=False)))
            yield from sealed
            sealed.clear()
        yield self.finish()

    def seal_all(self, pieces: Iterable[bytes], write: Write) -> None:
        """The whole stream at the speed of the disk: header, `pieces` and padding, sealed and handed to `write`.

        `write` runs in a second thread and must be done with a buffer when it returns: it is used again.
        """

        def lend(chunk: memoryview, *, last: bool = False) -> None:
            # A fresh megabyte for every sealed chunk costs more in page faults than AES does (twice the time, seen).
            buffer = behind.buffer()
            length = len(chunk) + TAG_SIZE
            self._aead.encrypt_into(self._next_nonce(last=last), chunk, None, buffer[:length])
            behind.send(buffer, length)

        write_whole(write, memoryview(self.header))
        with WriteBehind(write, self._chunk + TAG_SIZE) as behind:
            for piece in pieces:
                self._feed(piece, lend)
                self.size += len(piece)
            for zeros in padding(self.size):
                self._feed(zeros, lend)
            lend(self._ended(), last=True)

    def _seal_whole(self, padded: bytes) -> bytes:
        """The whole stream of content that is in memory and padded already, without copying it chunk by chunk."""
        self._ended()
        self.size = len(padded)
        view = memoryview(padded)
        # One chunk even for nothing, and none after a last full one.
        last = max(0, len(view) - 1) // self._chunk * self._chunk
        starts = range(0, last + 1, self._chunk)
        return b"".join(
            [self.header, *(self._seal(view[start : start + self._chunk], last=start == last) for start in starts)]
        )

    def _feed(self, data: bytes | bytearray | memoryview, seal_chunk: Callable[[memoryview], None]) -> None:
        if self._finished:
            raise ValueError("the stream is finished")
        rest = memoryview(data)
        # A full chunk waits until more arrives: only then is it known not to be the last, which its nonce must say.
        while len(rest) > self._chunk - self._filled:
            if self._filled:
                taken = self._chunk - self._filled
                self._waiting[self._filled :] = rest[:taken]
                self._filled = 0
                seal_chunk(self._waiting)
            else:
                taken = self._chunk
                seal_chunk(rest[:taken])
            rest = rest[taken:]
        if rest:
            if not self._waiting:
                self._waiting = memoryview(bytearray(self._chunk))
            self._waiting[self._filled : self._filled + len(rest)] = rest
            self._filled += len(rest)

    def _ended(self) -> memoryview:
        if self._finished:
            raise ValueError("the stream is finished")
        self._finished = True
        return self._waiting[: self._filled]

    def _seal(self, chunk: memoryview, *, last: bool) -> bytes:
        return self._aead.encrypt(self._next_nonce(last=last), chunk, None)

    def _next_nonce(self, *, last: bool) -> bytes:
        # Counted before it is used: whatever fails after this, no nonce is ever used again.
        self._index += 1
        return _nonce(self._index - 1, last=last)


def seal(key: bytes, context: Context, plaintext: bytes, padded: bool = True) -> bytes:
    """Seal `plaintext` whole; padded by zeros to its Padmé length unless its owner has padded it already."""
    length = padded_length(len(plaintext)) if padded else len(plaintext)
    return Sealer(key, context, chunk_log2_for(length))._seal_whole(plaintext + bytes(length - len(plaintext)))


class Opener:
    """Opens any range of a sealed stream; `size` is its plaintext length in bytes, padding included.

    Raises:
        UnknownFormat: not a stream of this version; by NotAStream, UnknownVersion and UnknownSuite told apart.
        Truncated, SealBroken: the bytes were cut, changed or moved, or sealed under another key.
    """

    def __init__(self, source: RandomAccess, key: bytes, context: Context) -> None:
        self._source = source
        header = source.read_at(0, HEADER_SIZE)
        chunk_log2, salt, commitment = _parsed(header)
        stream_key, expected = _derive(key, salt, context, chunk_log2)
        # AES-GCM alone lets one ciphertext open under two keys to two texts (Dodis et al., "Fast message franking",
        # 2018). The commitment comes from the same derivation as the key, so this stream has one key.
        if not hmac.compare_digest(commitment, expected):
            raise SealBroken
        self._aead = AESGCM(stream_key)
        self._chunk = 1 << chunk_log2
        self._sealed_chunk = self._chunk + TAG_SIZE
        body = source.size - HEADER_SIZE
        self._last_index = max(0, -(-body // self._sealed_chunk) - 1)
        last_length = body - self._last_index * self._sealed_chunk - TAG_SIZE
        # Only an empty stream has an empty chunk. Otherwise two encodings of one content would open alike.
        if last_length < (1 if self._last_index else 0):
            raise Truncated
        if self._last_index >= MAX_CHUNKS:
            raise UnknownFormat
        self.size = self._last_index * self._chunk + last_length
        # The size of the source says where the last chunk is, and whoever stores the bytes can change that size. The
        # last chunk's nonce says that it is the last and which one it is, so opening it first proves the size before
        # anyone announces it; a stream cut at a chunk border or extended by whole chunks fails here.
        self._last = self._open(self._last_index)

    def read(self, start: int, length: int) -> bytes:
        """The plaintext of [start, start + length); ValueError outside the stream."""
        return b"".join(self.chunks(start, length))

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """The same piece by piece, each at most a chunk and each authenticated before it is given."""
        return self._chunks(start, self._checked_end(start, length))

    def copy_all(self, start: int, length: int, write: Write) -> None:
        """The same at the speed of the disk; `write` runs in a second thread, on buffers that are used again.

        When it raises SealBroken, what was written before is authentic but incomplete.
        """
        end = self._checked_end(start, length)
        with WriteBehind(write, self._chunk) as behind:
            while start < end:
                index, skip = divmod(start, self._chunk)
                buffer = behind.buffer()
                filled = self._open_into(index, buffer)
                taken = min(filled - skip, end - start)
                if skip:
                    buffer[:taken] = bytes(buffer[skip : skip + taken])
                behind.send(buffer, taken)
                start += taken

    def _checked_end(self, start: int, length: int) -> int:
        if start < 0 or length < 0 or start + length > self.size:
            raise ValueError("the range is outside the stream")
        return start + length

    def _chunks(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            index, skip = divmod(start, self._chunk)
            plain = self._last if index == self._last_index else self._open(index)
            piece = plain if skip == 0 and len(plain) <= end - start else plain[skip : skip + end - start]
            start += len(piece)
            yield piece

    def _open(self, index: int) -> bytes:
        try:
            return self._aead.decrypt(_nonce(index, last=index == self._last_index), self._sealed(index), None)
        except InvalidTag:
            raise SealBroken from None

    def _open_into(self, index: int, buffer: memoryview) -> int:
        sealed = self._sealed(index)
        length = len(sealed) - TAG_SIZE
        try:
            self._aead.decrypt_into(_nonce(index, last=index == self._last_index), sealed, None, buffer[:length])
        except InvalidTag:
            raise SealBroken from None
        return length

    def _sealed(self, index: int) -> bytes:
        offset = HEADER_SIZE + index * self._sealed_chunk
        length = self._source.size - offset if index == self._last_index else self._sealed_chunk
        sealed = self._source.read_at(offset, length)
        if len(sealed) != length:
            raise Truncated
        return sealed


def _derive(key: bytes, salt: bytes, context: Context, chunk_log2: int) -> tuple[bytes, bytes]:
    """Stream key and commitment. Suite and chunk size are bound too, so that no byte of the header can be changed: a
    one-chunk stream would otherwise open under any chunk size."""
    if len(key) != KEY_SIZE:
        raise ValueError("a message key has 32 bytes")
    suite_and_chunk = bytes((SUITE_AES_256_GCM,)), bytes((chunk_log2,))
    info = bound(_LABEL, context.message_id.bytes, context.name.encode(), *suite_and_chunk)
    derived = HKDF(SHA256(), KEY_SIZE + COMMITMENT_SIZE, salt, info).derive(key)
    return derived[:KEY_SIZE], derived[KEY_SIZE:]


def _parsed(header: bytes) -> tuple[int, bytes, bytes]:
    """log2 of the chunk size, salt and commitment."""
    # Each told apart, because whoever mends it does something else each time.
    if not header:
        raise EmptyStream
    if header[: len(FAMILY)] != FAMILY[: len(header)]:
        raise NotAStream
    if header[: len(MAGIC)] != MAGIC[: len(header)]:
        raise UnknownVersion
    if len(header) != HEADER_SIZE:
        raise Truncated
    suite, chunk_log2 = header[len(MAGIC)], header[len(MAGIC) + 1]
    if suite != SUITE_AES_256_GCM:
        raise UnknownSuite
    if not CHUNK_SMALL <= chunk_log2 <= CHUNK_LARGE:
        raise UnknownFormat
    salt_at = len(MAGIC) + 2
    return chunk_log2, header[salt_at : salt_at + SALT_SIZE], header[salt_at + SALT_SIZE :]


def _nonce(index: int, *, last: bool) -> bytes:
    """index as u88, then 1 for the last chunk and 0 for the others: swapped, dropped or added chunks do not open."""
    if index >= MAX_CHUNKS:
        raise StreamTooLong
    return index.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
