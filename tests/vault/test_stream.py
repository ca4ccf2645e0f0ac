"""The sealed stream: what opens, and everything that must not."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.vault.errors import SealBroken, Truncated, UnknownFormat
from portal.vault.padding import padded_length
from portal.vault.sources import Bytes, FileSource
from portal.vault.stream import (
    CHUNK_LARGE,
    CHUNK_SMALL,
    HEADER_SIZE,
    LARGE_FROM,
    Context,
    Opener,
    Sealer,
    chunk_log2_for,
    seal,
    sealed_size,
)

KEY = bytes(range(32))
MESSAGE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
HERE = Context(MESSAGE, "original")
CHUNK = 1 << CHUNK_SMALL
SEALED_CHUNK = CHUNK + 16
LENGTHS = [0, 1, 16, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5]


def content_of(length: int) -> bytes:
    """Bytes that differ from chunk to chunk."""
    return hashlib.shake_256(b"letterlock").digest(length)


def opened(sealed: bytes, key: bytes = KEY, context: Context = HERE) -> bytes:
    opener = Opener(Bytes(sealed), key, context)
    return opener.read(0, opener.size)


def sealed_in_steps(plaintext: bytes, step: int) -> bytes:
    sealer = Sealer(KEY, HERE)
    pieces = [sealer.header]
    pieces += [sealer.update(plaintext[at : at + step]) for at in range(0, len(plaintext), step)]
    return b"".join([*pieces, sealer.finish()])


@pytest.mark.parametrize("length", LENGTHS)
def test_what_was_sealed_opens(length: int) -> None:
    sealed = seal(KEY, HERE, content_of(length), padded=False)
    assert opened(sealed) == content_of(length)
    assert len(sealed) == sealed_size(length, CHUNK_SMALL)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("step", [7919, CHUNK, CHUNK + 1, 5 * CHUNK])
def test_the_steps_in_which_it_is_fed_do_not_matter(length: int, step: int) -> None:
    sealed = sealed_in_steps(content_of(length), step)
    assert opened(sealed) == content_of(length)
    assert len(sealed) == sealed_size(length, CHUNK_SMALL)


@pytest.mark.parametrize("length", LENGTHS)
def test_padding_is_zeros_after_the_content(length: int) -> None:
    content = content_of(length)
    expected = content + bytes(padded_length(length) - length)
    sealer = Sealer(KEY, HERE)
    streamed = b"".join([sealer.header, sealer.update(content), *sealer.finish_padded()])
    assert sealer.size == length
    assert opened(streamed) == opened(seal(KEY, HERE, content)) == expected


def test_large_content_gets_large_chunks() -> None:
    assert (chunk_log2_for(LARGE_FROM - 1), chunk_log2_for(LARGE_FROM)) == (CHUNK_SMALL, CHUNK_LARGE)
    sealed = seal(KEY, HERE, bytes(LARGE_FROM))
    assert sealed[5] == CHUNK_LARGE
    assert len(sealed) == HEADER_SIZE + LARGE_FROM + 16 * 16


def test_nothing_of_the_content_or_key_shows_and_no_two_seals_are_alike() -> None:
    content = b"a canary that must not show" * 10
    one, two = seal(KEY, HERE, content), seal(KEY, HERE, content)
    assert b"canary" not in one
    assert KEY not in one
    assert one[6:38] != two[6:38]
    assert one[HEADER_SIZE:] != two[HEADER_SIZE:]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_range_opens_alone(data: st.DataObject) -> None:
    content = content_of(3 * CHUNK + 5)
    opener = Opener(Bytes(RANGES), KEY, HERE)
    start = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, len(content) - start))
    assert opener.read(start, length) == content[start : start + length]
    copied = bytearray()
    opener.copy_all(start, length, copied.extend)
    assert copied == content[start : start + length]


RANGES = seal(KEY, HERE, content_of(3 * CHUNK + 5), padded=False)


@pytest.mark.parametrize(("start", "length"), [(-1, 2), (0, -1), (0, 3 * CHUNK + 6), (3 * CHUNK + 6, 0)])
def test_a_range_outside_the_stream_is_refused(start: int, length: int) -> None:
    opener = Opener(Bytes(RANGES), KEY, HERE)
    with pytest.raises(ValueError, match="outside"):
        opener.chunks(start, length)
    with pytest.raises(ValueError, match="outside"):
        opener.copy_all(start, length, lambda _: None)


def test_only_the_chunks_of_a_range_are_read() -> None:
    asked: list[int] = []

    class Watched(Bytes):
        def read_at(self, offset: int, length: int) -> bytes:
            asked.append(offset)
            return super().read_at(offset, length)

    opener = Opener(Watched(RANGES), KEY, HERE)
    asked.clear()
    opener.read(CHUNK + 1, 10)
    assert asked == [HEADER_SIZE + SEALED_CHUNK]


@pytest.mark.parametrize("length", [0, 1000, CHUNK, 2 * CHUNK + 9])
def test_every_byte_of_the_header_counts(length: int) -> None:
    sealed = seal(KEY, HERE, content_of(length))
    for at in range(HEADER_SIZE):
        for flip in (0x01, 0x80):
            changed = bytearray(sealed)
            changed[at] ^= flip
            with pytest.raises((SealBroken, UnknownFormat)):
                opened(bytes(changed))


@pytest.mark.parametrize("chunk_log2", [0, 15, 17, 18, 19, 20, 21, 255])
def test_a_stream_opens_under_no_other_chunk_size(chunk_log2: int) -> None:
    sealed = bytearray(seal(KEY, HERE, b"one small chunk"))
    sealed[5] = chunk_log2
    with pytest.raises((SealBroken, UnknownFormat)):
        opened(bytes(sealed))


def test_every_byte_of_a_small_body_counts() -> None:
    sealed = seal(KEY, HERE, b"one small chunk")
    for at in range(HEADER_SIZE, len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 0x01
        with pytest.raises(SealBroken):
            opened(bytes(changed))


def test_a_changed_chunk_fails_when_it_is_read_and_gives_nothing_of_itself() -> None:
    changed = bytearray(RANGES)
    changed[HEADER_SIZE + SEALED_CHUNK + 50] ^= 0x01
    opener = Opener(Bytes(bytes(changed)), KEY, HERE)
    chunks = opener.chunks(0, opener.size)
    assert next(chunks) == content_of(CHUNK)
    with pytest.raises(SealBroken):
        next(chunks)
    copied = bytearray()
    with pytest.raises(SealBroken):
        opener.copy_all(0, opener.size, copied.extend)
    assert content_of(CHUNK).startswith(bytes(copied))


def pieces_of(sealed: bytes) -> tuple[bytes, list[bytes]]:
    body = sealed[HEADER_SIZE:]
    return sealed[:HEADER_SIZE], [body[at : at + SEALED_CHUNK] for at in range(0, len(body), SEALED_CHUNK)]


@pytest.mark.parametrize(
    "order", [[1, 0, 2, 3], [0, 2, 1, 3], [0, 0, 2, 3], [0, 2, 3], [1, 2, 3], [3], [0, 1, 2, 3, 3]]
)
def test_chunks_in_another_order_or_number_do_not_open(order: list[int]) -> None:
    header, chunks = pieces_of(RANGES)
    with pytest.raises(SealBroken):
        opened(header + b"".join(chunks[index] for index in order))


@pytest.mark.parametrize("padded_to", [4 * CHUNK, 3 * CHUNK + 5])
@pytest.mark.parametrize("kept", range(4))
def test_a_stream_cut_at_a_chunk_border_does_not_even_tell_its_size(padded_to: int, kept: int) -> None:
    header, chunks = pieces_of(seal(KEY, HERE, content_of(padded_to), padded=False))
    with pytest.raises(SealBroken):
        Opener(Bytes(header + b"".join(chunks[:kept])), KEY, HERE)


@pytest.mark.parametrize("length", [0, 10, CHUNK, CHUNK + 10])
def test_a_stream_cut_anywhere_is_refused(length: int) -> None:
    sealed = seal(KEY, HERE, content_of(length), padded=False)
    borders = {0, 1, 4, 5, 6, HEADER_SIZE - 1, HEADER_SIZE, HEADER_SIZE + 1, HEADER_SIZE + 15, HEADER_SIZE + 16}
    borders |= {HEADER_SIZE + SEALED_CHUNK + more for more in (-1, 0, 1, 15, 16, 17)} | {len(sealed) - 1}
    for kept in sorted(border for border in borders if border < len(sealed)):
        with pytest.raises(SealBroken):
            opened(sealed[:kept])


def test_a_cut_of_nothing_says_that_it_is_cut() -> None:
    for kept in (0, 3, 50, HEADER_SIZE + 3):
        with pytest.raises(Truncated):
            opened(RANGES[:kept])


@pytest.mark.parametrize("more", [b"\0", bytes(16), bytes(SEALED_CHUNK), b"x" * (CHUNK // 2)])
@pytest.mark.parametrize("length", [0, 10, CHUNK, CHUNK + 10])
def test_an_extended_stream_is_refused(length: int, more: bytes) -> None:
    with pytest.raises(SealBroken):
        opened(seal(KEY, HERE, content_of(length), padded=False) + more)


def test_an_empty_chunk_after_a_full_one_is_refused_even_when_sealed_with_the_key() -> None:
    forger = Sealer(KEY, HERE)
    full = forger._seal(memoryview(content_of(CHUNK)), last=False)
    empty = forger._seal(memoryview(b""), last=True)
    with pytest.raises(Truncated):
        opened(forger.header + full + empty)


@pytest.mark.parametrize(
    "context",
    [
        Context(UUID(int=MESSAGE.int ^ 1), "original"),
        Context(MESSAGE, "toc"),
        Context(MESSAGE, "original/"),
        Context(MESSAGE, ""),
    ],
)
def test_a_stream_moved_to_another_message_or_place_does_not_open(context: Context) -> None:
    with pytest.raises(SealBroken):
        opened(seal(KEY, HERE, b"for one place"), context=context)


def test_a_chunk_of_another_stream_of_the_message_does_not_open() -> None:
    ours, theirs = seal(KEY, HERE, b"ours"), seal(KEY, HERE, b"more")
    with pytest.raises(SealBroken):
        opened(ours[:HEADER_SIZE] + theirs[HEADER_SIZE:])


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(SealBroken):
        opened(seal(KEY, HERE, b"secret"), key=bytes(32))


@pytest.mark.parametrize("noise", [b"LLS2" + bytes(200), b"LLS1\2\x10" + bytes(200), b"age-encryption.org/v1", b"\0"])
def test_what_is_no_stream_is_named_so(noise: bytes) -> None:
    with pytest.raises(UnknownFormat):
        opened(noise)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_it_do_anything_but_refuse(noise: bytes) -> None:
    for sealed in (noise, b"LLS1\1\x10" + noise):
        with pytest.raises((SealBroken, UnknownFormat)):
            opened(sealed)


def test_a_finished_sealer_takes_nothing_more() -> None:
    sealer = Sealer(KEY, HERE)
    sealer.finish()
    for again in (lambda: sealer.update(b"x"), sealer.finish, lambda: list(sealer.finish_padded())):
        with pytest.raises(ValueError, match="finished"):
            again()


@pytest.mark.parametrize("chunk_log2", [15, 21])
def test_other_chunk_sizes_are_not_made(chunk_log2: int) -> None:
    with pytest.raises(ValueError, match="chunk size"):
        Sealer(KEY, HERE, chunk_log2)


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(33)])
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(key, HERE)


def test_errors_and_representations_hold_no_content_or_key() -> None:
    with pytest.raises(SealBroken) as caught:
        opened(seal(KEY, HERE, b"canary"), key=b"k" * 32)
    assert "canary" not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None
    assert "kkkk" not in repr(Sealer(b"k" * 32, HERE))


# File to file


@pytest.mark.parametrize("length", [0, 5, CHUNK, 3_000_000, 20_000_000])
def test_a_file_is_sealed_and_opened_whole(tmp_path: Path, length: int) -> None:
    content = content_of(length)
    sealer = Sealer(KEY, HERE, chunk_log2_for(length))
    with (tmp_path / "sealed").open("wb", buffering=0) as file:
        sealer.seal_all((content[at : at + 300_007] for at in range(0, length, 300_007)), file.write)
    assert sealer.size == length
    with FileSource(tmp_path / "sealed") as source, (tmp_path / "plain").open("wb", buffering=0) as file:
        assert source.size == sealed_size(padded_length(length), chunk_log2_for(length))
        opener = Opener(source, KEY, HERE)
        opener.copy_all(0, length, file.write)
        assert b"".join(opener.chunks(0, length)) == content
    assert (tmp_path / "plain").read_bytes() == content


def test_a_write_that_takes_less_is_asked_again() -> None:
    taken = bytearray()

    def slow(data: memoryview) -> int:
        taken.extend(data[:1000])
        return min(1000, len(data))

    Sealer(KEY, HERE).seal_all([content_of(200_000)], slow)
    assert opened(bytes(taken))[:200_000] == content_of(200_000)


@pytest.mark.parametrize("fails_at", [0, 1, 2, 5, 9])
def test_a_write_that_fails_fails_the_sealing_and_leaves_no_thread(fails_at: int) -> None:
    calls = 0

    def failing(data: memoryview) -> None:
        nonlocal calls
        calls += 1
        if calls > fails_at:
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        Sealer(KEY, HERE).seal_all([bytes(CHUNK)] * 9, failing)
    assert calls == fails_at + 1
    assert not [thread for thread in threading.enumerate() if thread.name == "write-behind"]


def test_content_that_fails_to_arrive_fails_the_sealing_and_leaves_no_thread() -> None:
    def broken() -> list[bytes]:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        Sealer(KEY, HERE).seal_all((broken()[0] if at == 4 else bytes(CHUNK) for at in range(9)), lambda _: None)
    assert not [thread for thread in threading.enumerate() if thread.name == "write-behind"]


def test_a_file_source_closes_its_file_once(tmp_path: Path) -> None:
    (tmp_path / "sealed").write_bytes(seal(KEY, HERE, b"x"))
    source = FileSource(tmp_path / "sealed")
    source.close()
    other = os.open(tmp_path / "sealed", os.O_RDONLY)
    source.close()
    assert os.read(other, 4) == b"LLS1"
    os.close(other)


def test_a_file_that_shrinks_under_the_reader_is_truncated(tmp_path: Path) -> None:
    (tmp_path / "sealed").write_bytes(RANGES)
    with FileSource(tmp_path / "sealed") as source:
        opener = Opener(source, KEY, HERE)
        os.truncate(tmp_path / "sealed", HEADER_SIZE + 100)
        with pytest.raises(Truncated):
            opener.read(0, 10)


@pytest.mark.parametrize(("chunks", "error"), [(1 << 32, Truncated), ((1 << 32) + 1, UnknownFormat)])
def test_a_stream_has_at_most_as_many_chunks_as_it_has_numbers_for(chunks: int, error: type[Exception]) -> None:
    source = Bytes(seal(KEY, HERE, b"x")[:HEADER_SIZE])
    source.size = HEADER_SIZE + chunks * SEALED_CHUNK  # as a store may claim, which gives none of them
    with pytest.raises(error) as caught:
        Opener(source, KEY, HERE)
    assert type(caught.value) is error
