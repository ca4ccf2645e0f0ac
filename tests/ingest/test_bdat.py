"""BDAT (RFC 3030): the same guarantees as DATA, and chunks that are refused are read, not carried out as commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.ingest.data import LineCheck
from tests.ingest.doors import FROM, MAIL, TO, Line, RunningDoor
from tests.ingest.test_smtp import assert_clean, assert_nothing_left, configure, taken
from tests.seals import default_brand


def begin(line: Line) -> None:
    assert line.ask(f"MAIL FROM:<{FROM}>".encode()).startswith("250")
    assert line.ask(f"RCPT TO:<{TO}>".encode()).startswith("250")


def chunk(line: Line, data: bytes, last: bool = False) -> str:
    line.send(b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data)
    return line.reply()


def test_it_is_offered_and_binary_is_not(door: RunningDoor) -> None:
    with Line(door.port) as line:
        offered = line.ask(b"EHLO me")
        assert "250-CHUNKING" in offered
        assert "BINARYMIME" not in offered
        assert line.ask(b"MAIL FROM:<> BODY=BINARYMIME").startswith("501 5.5.4")


@pytest.mark.parametrize("sizes", [(len(MAIL),), (1, 5, 20), (0, 7, 0), (len(MAIL) - 1,)], ids=str)
def test_a_mail_in_chunks_is_kept_byte_for_byte(door: RunningDoor, sizes: tuple[int, ...]) -> None:
    with Line(door.port) as line:
        begin(line)
        rest = MAIL
        for size in sizes:
            piece, rest = rest[:size], rest[size:]
            assert chunk(line, piece) == f"250 2.0.0 {len(piece)} octets received"
        assert taken(chunk(line, rest, last=True)) == MAIL
        assert taken(line.mail()) == MAIL  # DATA again in the same session


def test_dots_are_only_dots(door: RunningDoor) -> None:
    mail = b"Subject: x\r\n\r\n.\r\n..\r\n.\r\nQUIT\r\n"
    with Line(door.port) as line:
        begin(line)
        assert taken(chunk(line, mail, last=True)) == mail


def test_everything_in_one_packet(door: RunningDoor) -> None:
    with Line(door.port) as line:
        line.send(
            f"MAIL FROM:<{FROM}>\r\nRCPT TO:<{TO}>\r\nBDAT {len(MAIL)}\r\n".encode()
            + MAIL + b"BDAT 0 LAST\r\nMAIL FROM:<>\r\nNOOP\r\n"
        )  # fmt: skip
        assert [line.reply()[:3] for _ in range(3)] == ["250"] * 3
        assert taken(line.reply()) == MAIL
        assert [line.reply()[:3] for _ in range(2)] == ["250"] * 2


@pytest.mark.parametrize(
    "pieces",
    [(b"a\nb",), (b"a\rb",), (b"a\r", b"b"), (b"a", b"\nb"), (b"\r\n.\n.\r\n",), (b"end\r",)],
    ids=str,
)
def test_bare_line_ends_are_refused_in_any_chunking(
    door: RunningDoor, spool_folder: Path, pieces: tuple[bytes, ...]
) -> None:
    with Line(door.port) as line:
        begin(line)
        replies = [chunk(line, MAIL), *[chunk(line, piece) for piece in pieces[:-1]]]
        replies.append(chunk(line, pieces[-1], last=True))
        assert any(reply.startswith("550 5.5.2") for reply in replies)
        assert not any("queued" in reply for reply in replies)
        line.ask(b"RSET")
        assert_clean(line, spool_folder)


class TestRefusedChunksAreRead:
    """A chunk that looks like commands is none, whatever is answered."""

    EVIL = b"MAIL FROM:<evil@mail.example>\r\nRCPT TO:<evil@mail.example>\r\n"

    def test_before_mail_and_before_rcpt(self, door: RunningDoor, spool_folder: Path) -> None:
        with Line(door.port, greet=False) as line:
            assert chunk(line, self.EVIL, last=True).startswith("503")
            line.ask(b"EHLO me")
            assert chunk(line, self.EVIL, last=True).startswith("503 5.5.1")
            line.ask(b"MAIL FROM:<>")
            assert chunk(line, self.EVIL, last=True).startswith("554 5.5.1")
            assert line.ask(b"NOOP").startswith("250")
            line.ask(b"RSET")
            assert_clean(line, spool_folder)

    def test_after_a_refused_one_all_are_refused_until_rset(self, door: RunningDoor, spool_folder: Path) -> None:
        with Line(door.port) as line:
            begin(line)
            assert chunk(line, b"X-Letterlock-Protect: v=9\r\n\r\n").startswith("554 5.6.0")
            assert chunk(line, self.EVIL).startswith("503")
            assert chunk(line, self.EVIL, last=True).startswith("503")
            assert line.ask(b"DATA").startswith("503")
            assert line.ask(b"RCPT TO:<a@b.example>").startswith("503")
            assert line.ask(b"RSET").startswith("250")
            assert_clean(line, spool_folder)

    def test_no_end_is_refused_where_nothing_here_lets_mail_stay_open(self, door: RunningDoor) -> None:
        default_brand()
        wish = b"X-Letterlock-Protect: v=1; until=never\r\n\r\n"
        with Line(door.port) as line:
            begin(line)
            assert chunk(line, wish, last=True).startswith("554 5.6.0 The header X-Letterlock-Protect")

    def test_data_does_not_follow_bdat(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            begin(line)
            chunk(line, MAIL)
            assert line.ask(b"DATA").startswith("503 5.5.1")
            assert taken(chunk(line, b"", last=True)) == MAIL

    @pytest.mark.parametrize("argument", [b"", b"x", b"-1", b"1 FIRST", b"1  LAST x", b"0x10", b"9" * 16])
    def test_a_length_that_cannot_be_read_ends_the_session(self, door: RunningDoor, argument: bytes) -> None:
        with Line(door.port) as line:
            begin(line)
            line.send(b"BDAT " + argument + b"\r\n" + self.EVIL)
            assert line.reply().startswith("501 5.5.4")
            assert line.hung_up()

    def test_a_chunk_larger_than_any_mail_is_refused_before_it_comes(
        self, transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(monkeypatch, max_message_bytes=100_000)
        with RunningDoor() as door:
            for before in (True, False):
                with Line(door.port) as line:
                    if before:
                        begin(line)
                    assert line.ask(b"BDAT 999999999999 LAST").startswith("552 5.3.4" if before else "503")
                    assert line.hung_up()
            with Line(door.port) as line:
                begin(line)
                assert chunk(line, b"x" * 150_000).startswith("552 5.3.4")
                line.ask(b"RSET")
                assert_clean(line, spool_folder)


def test_a_client_that_goes_within_a_chunk_leaves_nothing(door: RunningDoor, spool_folder: Path) -> None:
    with Line(door.port) as line:
        begin(line)
        chunk(line, MAIL)
        line.send(b"BDAT 1000000 LAST\r\n" + b"x" * 300_000)
    assert_nothing_left(spool_folder)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="\r\na", max_size=20).map(str.encode), st.lists(st.integers(0, 20), max_size=5))
def test_the_check_sees_what_is_bare_in_any_chunking(data: bytes, cuts: list[int]) -> None:
    check, at = LineCheck(), 0
    for cut in [*sorted(cuts), len(data)]:
        check.feed(data[at:cut])
        at = max(at, cut)
    check.feed(b"", final=True)
    left = data.replace(b"\r\n", b"")
    assert check.bare is (b"\r" in left or b"\n" in left)
