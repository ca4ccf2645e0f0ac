"""Where a mail ends, in any chunking."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ingest.data import DataDecoder, LineEnds

# Few letters, so that marks and their borders are met often.
WILD = st.text(alphabet="\r\n.a", max_size=40).map(str.encode)
CUTS = st.lists(st.integers(0, 60), max_size=8)


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    borders = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(borders)]


def decode(chunks: list[bytes]) -> tuple[bytes, bytes, bool, bool]:
    decoder, mail = DataDecoder(), b""
    for place, chunk in enumerate(chunks):
        mail += decoder.feed(chunk)
        if decoder.ended:
            return mail, decoder.rest + b"".join(chunks[place + 1 :]), True, decoder.bare
    return mail, b"", False, decoder.bare


def by_the_book(data: bytes) -> tuple[bytes, bytes, bool]:
    """RFC 5321 §4.5.2, line by line; a line ends with CRLF only."""
    mail, rest = b"", data
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return mail, b"", False
        if line == b".":
            return mail, rest, True
        mail += line.removeprefix(b".") + b"\r\n"


@given(WILD, WILD, CUTS)
def test_it_reads_any_bytes_in_any_chunking_as_the_rfc_says(mail: bytes, after: bytes, cuts: list[int]) -> None:
    data = mail + b"\r\n.\r\n" + after
    expected, rest, ended = by_the_book(data)
    assert ended
    assert decode(pieces(data, cuts))[:3] == (expected, rest, True)


@given(st.lists(st.text(alphabet=".ab\x00\xff", max_size=6)), CUTS)
def test_a_stuffed_mail_comes_back_byte_for_byte(lines: list[str], cuts: list[int]) -> None:
    encoded = [line.encode("latin-1") for line in lines]
    sent = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in encoded)
    mail, rest, ended, bare = decode(pieces(sent + b".\r\nQUIT\r\n", cuts))
    assert (mail, rest, ended, bare) == (b"".join(line + b"\r\n" for line in encoded), b"QUIT\r\n", True, False)


@given(WILD, CUTS)
def test_it_tells_bare_line_ends_in_any_chunking(mail: bytes, cuts: list[int]) -> None:
    data = mail + b"\r\n.\r\n"
    before_end = data[: -len(by_the_book(data)[1]) or None].removesuffix(b".\r\n")
    unpaired = before_end.replace(b"\r\n", b"")
    assert decode(pieces(data, cuts))[3] is (b"\r" in unpaired or b"\n" in unpaired)


@pytest.mark.parametrize(
    "false_end", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r\n.\r", b"\n\n.\r\r\n"]
)
def test_nothing_but_the_whole_mark_ends_a_mail(false_end: bytes) -> None:
    mail, rest, ended, bare = decode([b"a" + false_end + b"MAIL FROM:<x@y>\r\n", b"b\r\n.\r\n"])
    assert ended
    assert bare
    assert b"MAIL FROM" in mail
    assert rest == b""


def test_only_a_dot_is_an_empty_mail() -> None:
    assert decode([b".", b"\r", b"\n"]) == (b"", b"", True, False)


def test_at_most_four_bytes_wait() -> None:
    decoder = DataDecoder()
    assert decoder.feed(b"x" * 100_000 + b"\r\n.\r") == b"x" * 100_000


@given(WILD, CUTS)
def test_files_get_whole_line_ends_in_any_chunking(data: bytes, cuts: list[int]) -> None:
    ends = LineEnds()
    made = b"".join(ends.feed(piece) for piece in pieces(data, cuts)) + ends.finish()
    assert made == data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
