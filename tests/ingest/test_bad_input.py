"""What no mail server sends: each gets the right code, costs little, and the door goes on serving."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from portal.ingest.smtp import limits
from tests.ingest.doors import FROM, MAIL, TO, Line, RunningDoor
from tests.ingest.test_smtp import assert_clean, assert_nothing_left, configure, taken


def drip(line: Line, data: Iterator[bytes]) -> str:
    """Send byte by byte, a hundredth of a second apart, until the door speaks; what it says."""
    line.socket.settimeout(0.01)
    try:
        for piece in data:
            try:
                line.send(piece)
                if found := line.socket.recv(1000):
                    return found.decode()
            except TimeoutError:
                continue
        raise AssertionError("the door never lost its patience")
    finally:
        line.socket.settimeout(120)


class TestSlowLoris:
    """One byte at a time holds no place for longer than a whole command, or a whole mail, may take."""

    def test_in_a_command(self, door: RunningDoor, monkeypatch: pytest.MonkeyPatch) -> None:
        with Line(door.port) as line:
            monkeypatch.setattr(limits, "COMMAND_SECONDS", 0.3)
            assert line.ask(b"NOOP").startswith("250")
            assert drip(line, itertools.repeat(b"N", 1000)).startswith("421 4.4.2")
            assert line.hung_up()

    @pytest.mark.parametrize("command", [b"DATA", b"BDAT 100000"])
    def test_in_a_mail(
        self, door: RunningDoor, spool_folder: Path, monkeypatch: pytest.MonkeyPatch, command: bytes
    ) -> None:
        monkeypatch.setattr(limits, "MAIL_SECONDS", 0.3)
        with Line(door.port) as line:
            line.ask(f"MAIL FROM:<{FROM}>".encode()), line.ask(f"RCPT TO:<{TO}>".encode())
            line.send(command + b"\r\n")
            if command == b"DATA":
                assert line.reply().startswith("354")
            assert drip(line, itertools.repeat(b"x", 1000)).startswith("421 4.4.2")
            assert line.hung_up()
        assert_nothing_left(spool_folder)

    def test_in_chunks_of_one_byte(
        self, door: RunningDoor, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MAIL_SECONDS", 0.3)
        with Line(door.port) as line:
            line.ask(f"MAIL FROM:<{FROM}>".encode()), line.ask(f"RCPT TO:<{TO}>".encode())
            said = ""
            for _ in range(1000):
                line.send(b"BDAT 1\r\nx")
                if (said := line.reply())[:3] != "250":
                    break
                time.sleep(0.01)
            assert said.startswith("421 4.4.2")
        assert_nothing_left(spool_folder)

    def test_in_a_chunk_that_nobody_wants(self, door: RunningDoor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "MAIL_SECONDS", 0.3)
        with Line(door.port) as line:
            line.send(b"BDAT 100000\r\n")
            assert drip(line, itertools.repeat(b"x", 1000)).startswith("421 4.4.2")

    @pytest.mark.parametrize("commands", [b"NOOP\r\n", b"MAIL FROM:<>\r\nRSET\r\n"])
    def test_with_commands_that_bring_no_mail(self, door: RunningDoor, commands: bytes) -> None:
        with Line(door.port) as line:
            line.send(commands * 100)
            replies = [line.reply() for _ in range(limits.MAX_IDLE_COMMANDS)]
            assert replies[0].startswith("250")
            assert replies[-1].startswith("421 4.7.0")
            assert line.hung_up()
        with Line(door.port) as line:  # a session that sends mail may send RSET between for ever
            for _ in range(limits.MAX_IDLE_COMMANDS // 10):
                line.send(b"RSET\r\n" * 11)
                assert all(line.reply().startswith("250") for _ in range(11))
                assert taken(line.mail()) == MAIL

    def test_a_stranger_is_given_less_time(self, door: RunningDoor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "STRANGER_SECONDS", 0.2)
        configure(monkeypatch, networks=())
        with RunningDoor() as other, Line(other.port, greet=False) as line:
            begun = time.monotonic()
            assert line.reply().startswith("421 4.4.2")
            assert time.monotonic() - begun < 5


def flood(line: Line) -> int:
    """Send a gibibyte of one line, or as much of it as the door lets pass; how much that was."""
    for sent in range(16_384):
        try:
            line.send(b"x" * 65_536)
        except (ConnectionResetError, BrokenPipeError):
            return sent * 65_536
    raise AssertionError("the door took it all")


class TestLines:
    @pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\r\n", b"\n\r\n"], ids=["LF", "CR", "CR CR LF", "LF CR LF"])
    def test_a_command_that_does_not_end_with_crlf_is_not_carried_out(self, door: RunningDoor, line_end: bytes) -> None:
        with Line(door.port) as line:
            line.send(b"MAIL FROM:<a@b.example>" + line_end + b"NOOP\r\n")
            assert line.reply().startswith("500 5.5.2")
            line.send(b"VRFY x\r\n")
            while not line.reply().startswith("252"):
                pass
            assert line.ask(b"RCPT TO:<a@b.example>").startswith("503")

    @pytest.mark.parametrize("command", [b"MAIL FROM:<a\0@b.example>", b"NO\0OP", b"\0"])
    def test_nul(self, door: RunningDoor, command: bytes) -> None:
        with Line(door.port) as line:
            assert line.ask(command).startswith("500 5.5.2")
            assert taken(line.mail()) == MAIL

    def test_a_long_line_is_one_error(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            assert line.ask(b"NOOP " + b"x" * 40_000).startswith("500 5.5.2")
            assert line.ask(b"NOOP").startswith("250")
            assert taken(line.mail()) == MAIL

    def test_a_line_without_end_is_cut_early(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            # What the kernel's buffers take on both sides comes on top of the 64 KiB that are read.
            assert flood(line) < 32 * 1024 * 1024
        with Line(door.port) as line:
            assert taken(line.mail()) == MAIL

    def test_a_line_without_end_in_a_mail_is_cut_early(
        self, transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(monkeypatch, max_message_bytes=1_000_000)
        for start in (b"", b"Subject: x\r\n\r\n"):
            with RunningDoor() as door, Line(door.port) as line:
                line.to_data()
                line.send(start)
                assert flood(line) < 32 * 1024 * 1024
        assert_nothing_left(spool_folder)


class TestCommands:
    def test_garbage(self, door: RunningDoor) -> None:
        noise = random.Random(1)
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise.randbytes(508)
        for data in (hello, noise.randbytes(10_000), noise.randbytes(3_000_000), b"\xff\xf4\xff\xfd\x06" * 100):
            with Line(door.port) as line:
                try:
                    line.send(data + b"\r\n")
                    line.file.readline()
                except ConnectionError:
                    pass  # cut while it was still talking
        with Line(door.port) as line:
            assert taken(line.mail()) == MAIL

    def test_half_commands(self, door: RunningDoor, spool_folder: Path) -> None:
        whole = f"MAIL FROM:<{FROM}>\r\nRCPT TO:<{TO}>\r\nDATA\r\n".encode() + MAIL + b"."
        for end in range(1, len(whole), 7):
            with Line(door.port) as line:
                line.send(whole[:end])
        with Line(door.port) as line:
            assert_clean(line, spool_folder)

    def test_ten_thousand_recipients(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            line.ask(f"MAIL FROM:<{FROM}>".encode())
            replies: list[str] = []
            for start in range(0, 10_000, 500):
                line.send(b"".join(b"RCPT TO:<r%d@b.example>\r\n" % n for n in range(start, start + 500)))
                replies += [line.reply()[:9] for _ in range(500)]
            assert replies == ["250 2.1.5"] * 500 + ["452 4.5.3"] * 9_500
            assert line.ask(b"DATA").startswith("354")
            line.send(MAIL + b".\r\n")
            assert taken(line.reply()) == MAIL

    def test_a_client_that_never_reads_is_stopped(self, door: RunningDoor, monkeypatch: pytest.MonkeyPatch) -> None:
        configure(monkeypatch, max_recipients=1)
        with RunningDoor() as other, Line(other.port) as line:
            line.ask(b"MAIL FROM:<a@b.example>")
            monkeypatch.setattr(limits, "COMMAND_SECONDS", 0.5)
            monkeypatch.setattr(limits, "CLOSING_SECONDS", 0.1)
            # Answered 452 for ever, until the answers find no room.
            with pytest.raises(ConnectionError):
                line.send(b"RCPT TO:<a@b.example>\r\n" * 5_000_000)
        with Line(door.port) as line:
            assert taken(line.mail()) == MAIL


@pytest.mark.parametrize(
    "mail",
    [
        b"Subject: caf\xe9 \xff\xfe\r\nFrom: \xc3\xa9 <a@b.example>\r\n\r\nbody\r\n",
        b"Content-Type: text/plain; charset=utf-16\r\n\r\nnot utf-16 \xff\r\n",
        b"Content-Type: text/plain; charset=no-such-thing\r\n\r\n\x80\x81\r\n",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!! SGVs bG8= ====\r\nSGVsbG8\r\n",
        b"Content-Type: multipart/mixed\r\n\r\n--\r\n--\r\n",
        b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nx\r\n----\r\n',
        b"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n" * 10,
        b": no name\r\n:\r\n\r\n",
        b"Subject: x\r\n" * 3_000 + b"\r\n",
        b"\r\n\r\n\r\n",
    ],
    ids=[
        "8-bit header", "wrong charset", "unknown charset", "junk in base64", "no boundary", "empty boundary",
        "mail in mail", "no name", "many subjects", "only line ends",
    ],
)  # fmt: skip
def test_odd_mail_is_taken_as_it_is(door: RunningDoor, mail: bytes) -> None:
    with Line(door.port) as line:
        assert taken(line.mail(mail)) == mail
        assert taken(line.mail()) == MAIL


@pytest.mark.parametrize("mail", [b"\r" * 1000, b"a\rb\rc", b"\n" * 1000, b"\r\n\r", b"\0\r\0"], ids=repr)
def test_mail_with_other_line_ends_is_refused(door: RunningDoor, spool_folder: Path, mail: bytes) -> None:
    with Line(door.port) as line:
        assert line.mail(mail + b"\r\n").startswith("550 5.5.2")
        assert_clean(line, spool_folder)


def test_random_conversations_leave_a_door_that_serves(
    door: RunningDoor, spool_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Any commands in any order, cut anywhere."""
    noise = random.Random(os.environ.get("PYTEST_SEED", "7"))
    words = [
        b"EHLO x\r\n", b"HELO\r\n", b"MAIL FROM:<a@b.example>\r\n", b"MAIL FROM:<> SIZE=9999999999\r\n",
        b"RCPT TO:<c@d.example>\r\n", b"RCPT TO:<c@d.example> NOTIFY=NEVER\r\n", b"DATA\r\n", b"BDAT 5\r\n",
        b"BDAT 0 LAST\r\n", b"hello", b"\r\n.\r\n", b".\r\n", b"RSET\r\n", b"STARTTLS\r\n", b"AUTH PLAIN\r\n", b"*\r\n",
        b"VRFY x\r\n", b"\n", b"\r",
    ]  # fmt: skip
    for _ in range(150):
        with Line(door.port, greet=False) as line:
            try:
                line.send(b"".join(noise.choices(words, k=noise.randrange(1, 25))))
            except ConnectionError:
                continue
    with Line(door.port) as line:
        assert taken(line.mail()) == MAIL
    # Every answer was meant: nothing came to where the unforeseen is caught.
    assert "failed with" not in caplog.text


INSIDE = f"MAIL FROM:<{FROM}>\r\nRCPT TO:<eve@mail.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n".encode()


UNSENDABLE = (b'"a<b"@mail.example', b'"a>b"@mail.example', '"a\N{LINE SEPARATOR}b"@mail.example'.encode())
"""Addresses that no SMTP command can hold: after a 250, their mail could never leave."""


class TestAFailureInTheMiddleOfAMail:
    """Whatever breaks while a mail is read, the rest of that mail is never taken for commands: it may be a stranger's
    words, and this session is a mail server that is believed."""

    @pytest.mark.parametrize("command", [b"DATA", b"BDAT %d LAST" % (len(MAIL) + 300_000 + len(INSIDE))])
    def test_the_rest_is_no_commands(
        self, door: RunningDoor, spool_folder: Path, monkeypatch: pytest.MonkeyPatch, command: bytes
    ) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("portal.ingest.intake.check_trigger", broken)
        with Line(door.port) as line:
            line.ask(f"MAIL FROM:<{FROM}>".encode()), line.ask(f"RCPT TO:<{TO}>".encode())
            line.send(command + b"\r\n")
            if command == b"DATA":
                assert line.reply().startswith("354")
            line.send(MAIL)
            assert line.reply().startswith("421 4.3.0")
            monkeypatch.undo()
            with suppress(ConnectionError):
                line.send(b"y" * 300_000 + b"\r\n" + INSIDE)
            assert line.hung_up()
        assert_nothing_left(spool_folder)

    @pytest.mark.parametrize(
        "path", [b'"\xff"@mail.example', b'"a\xff b"@mail.example', b"\xff@mail.example", *UNSENDABLE]
    )
    def test_an_address_that_cannot_be_written_is_refused_before(self, door: RunningDoor, path: bytes) -> None:
        with Line(door.port) as line:
            assert line.ask(b"MAIL FROM:<" + path + b"> SMTPUTF8").startswith("553 5.1.3")
            assert line.ask(f"MAIL FROM:<{FROM}> SMTPUTF8".encode()).startswith("250")
            assert line.ask(b"RCPT TO:<" + path + b">").startswith("553 5.1.3")


def test_patience_that_ends_this_instant_breaks_nothing(door: RunningDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """uvloop makes no timer for a moment that has come; sessions broke in the middle of a mail by it."""
    with Line(door.port) as line:
        monkeypatch.setattr(limits, "DATA_SECONDS", 0.0)
        half = len(MAIL) // 2
        line.send(f"MAIL FROM:<{FROM}>\r\nRCPT TO:<{TO}>\r\nBDAT {half}\r\n".encode() + MAIL[:half])
        line.send(b"BDAT %d LAST\r\n" % (len(MAIL) - half) + MAIL[half:])
        replies = list(itertools.takewhile(bool, (line.reply() for _ in range(4))))
    assert all(reply.startswith(("250", "421 4.4.2")) for reply in replies), replies
