"""Parcels: what they say of themselves is checked, and each stream is read from its own bytes."""

from __future__ import annotations

import struct
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.vault import parcels
from portal.vault.errors import NotAParcel
from portal.vault.parcels import Head, Parcel
from portal.vault.sources import Bytes

ID = UUID(int=7)


def parcel(streams: list[tuple[bytes, bytes]], *, message: UUID = ID, magic: bytes = b"LLA1") -> bytes:
    """Written from docs/sealed-format.md alone."""
    head = magic + message.bytes + struct.pack(">H", len(streams))
    for name, sealed in streams:
        head += bytes([len(name)]) + name + struct.pack(">Q", len(sealed))
    return head + b"".join(sealed for _, sealed in streams)


TWO = [(b"toc", b"table"), (b"part/1", b"a file")]


def read(data: bytes, name: str, offset: int = 0, length: int = 1000) -> bytes:
    found = Parcel(Bytes(data), ID).find(name)
    assert found is not None
    return found.read_at(offset, length)


def test_each_stream_ends_where_the_next_begins() -> None:
    data = parcel(TWO)
    assert read(data, "toc") == b"table"
    assert read(data, "part/1") == b"a file"
    assert read(data, "toc", 3, 2) == b"le"
    assert read(data, "toc", 5, 9) == b""
    assert read(data, "toc", 50, 9) == b""
    assert Parcel(Bytes(data), ID).find("part/2") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"LLA1",
        parcel(TWO)[:-1],
        parcel(TWO) + b"x",
        parcel(TWO)[:30],
        parcel(TWO, magic=b"LLA2"),
        parcel(TWO, message=uuid4()),
        parcel([(b"toc", b"a"), (b"toc", b"b")]),
        parcel([(b"toc", b"a"), (b"toc", b"b")])[:-1],
        parcel([("käse".encode(), b"a")]),
        parcel([(b"part/%d" % n, b"") for n in range(5000)]),
        b"LLA1" + ID.bytes + b"\xff\xff",
        b"LLA1" + ID.bytes + b"\x00\x01\x03toc" + b"\xff" * 8,
    ],
    ids=[
        "empty",
        "start",
        "short",
        "long",
        "cut",
        "version",
        "other message",
        "twice",
        "twice, with bytes for one",
        "name",
        "head",
        "count",
        "size",
    ],
)
def test_what_is_no_parcel_of_this_message_is_none(data: bytes) -> None:
    with pytest.raises(NotAParcel):
        Parcel(Bytes(data), ID)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise(junk: bytes) -> None:
    for data in (junk, b"LLA1" + ID.bytes + junk):
        try:
            assert Head.read(data).size >= 22
        except NotAParcel:
            continue


def test_what_makes_the_file_too_large_does_not_fit() -> None:
    assert parcels.fits([("toc", 100), ("original", parcels.MOST_BYTES - 200)])
    assert not parcels.fits([("toc", 100), ("original", parcels.MOST_BYTES)])
    assert not parcels.fits([(f"part/{n}", 100) for n in range(5000)])
    # The largest parcel's letters, the page around them and the other fields are within what may be posted.
    assert 4 * parcels.MOST_BYTES // 3 + 64 * 1024 <= parcels.FILE_BYTES == 25 * 1024 * 1024
