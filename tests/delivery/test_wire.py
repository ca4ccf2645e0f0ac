"""DATA on the wire: nothing in a mail can end it early, whatever its bytes and however they are cut."""

import re

from hypothesis import given
from hypothesis import strategies as st

from portal.delivery.wire import PIECE, dotted, pieces

awkward = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\x00", b"\xff", b"..", b""]), max_size=30
)


def read_as_relay(wire: bytes) -> bytes:
    """RFC 5321 section 4.5.2, the receiving side."""
    assert wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"
    lines = wire.removesuffix(b".\r\n").split(b"\r\n")
    assert b"." not in lines
    return b"\r\n".join(line.removeprefix(b".") for line in lines)


@given(awkward)
def test_a_relay_reads_the_same_mail_with_proper_line_ends(chunks):
    wire = b"".join(dotted(chunks))
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", wire)
    wanted = re.sub(rb"\r\n|\r|\n", b"\r\n", b"".join(chunks))
    assert read_as_relay(wire) == (wanted if not wanted or wanted.endswith(b"\r\n") else wanted + b"\r\n")


@given(awkward)
def test_how_the_mail_is_cut_does_not_matter(chunks):
    whole = b"".join(chunks)
    one_by_one = [whole[place : place + 1] for place in range(len(whole))]
    assert b"".join(dotted(chunks)) == b"".join(dotted([whole])) == b"".join(dotted(one_by_one))


def test_a_line_end_on_the_edge_of_a_piece_stays_one():
    for before in range(PIECE - 4, PIECE + 4):
        mail = b"x" * before + b"\r\n.\r\n..\r\nend"
        assert read_as_relay(b"".join(dotted([mail]))) == mail + b"\r\n"


def test_many_small_chunks_become_few_pieces_and_a_large_one_is_cut():
    assert [len(piece) for piece in pieces([b"x" * 10] * 10_000)] == [65_540, 34_460]
    assert max(len(piece) for piece in pieces([b"x" * 10_000_000])) <= PIECE
