"""LMTP (RFC 2033): its own greeting, and one answer for every recipient."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from portal.ingest.models import Spooled
from portal.ingest.spool import open_spooled
from tests.ingest.doors import MAIL, Line, RunningDoor
from tests.ingest.test_smtp import QUEUED, assert_clean, assert_nothing_left


@pytest.fixture
def line(transactional_db: None, spool_folder: Path) -> Iterator[Line]:
    with RunningDoor(lmtp=True) as door, Line(door.port, greet=False) as line:
        assert "LMTP" in line.greeting
        assert line.ask(b"LHLO client.example").startswith("250-")
        yield line


def to_recipients(line: Line) -> None:
    assert line.ask(b"MAIL FROM:<maya@aldervalley.example>").startswith("250")
    replies = [
        line.ask(b"RCPT TO:<%b>" % to)[:3] for to in (b"a@b.example", b"nodomain", b"c@d.example", b"A@b.example")
    ]
    assert replies == ["250", "553", "250", "250"]


def test_every_recipient_that_was_taken_is_answered(line: Line) -> None:
    to_recipients(line)
    assert line.ask(b"DATA").startswith("354")
    line.send(MAIL + b".\r\n")
    answers = [line.reply() for _ in range(3)]
    assert len(set(answers)) == 1
    opened = open_spooled(Spooled.objects.get(pk=UUID(QUEUED.fullmatch(answers[0])[1])))  # type: ignore[index]
    assert opened.envelope.recipients == ("a@b.example", "c@d.example")
    assert b" with LMTP\r\n" in opened.read()
    assert line.ask(b"NOOP").startswith("250")


def test_a_refusal_is_told_for_each_as_well(line: Line, spool_folder: Path) -> None:
    to_recipients(line)
    line.ask(b"DATA")
    line.send(b"bare\n\r\n.\r\n")
    assert [line.reply()[:9] for _ in range(3)] == ["550 5.5.2"] * 3
    assert line.ask(b"NOOP").startswith("250")
    assert_nothing_left(spool_folder)


def test_so_is_the_last_chunk(line: Line) -> None:
    to_recipients(line)
    line.send(b"BDAT %d\r\n" % len(MAIL) + MAIL)
    assert "octets" in line.reply()
    assert line.ask(b"BDAT 0 LAST").startswith("250 2.0.0 queued")
    assert [line.reply()[:3] for _ in range(2)] == ["250"] * 2
    assert line.ask(b"NOOP").startswith("250")


def test_without_recipients_there_is_no_data(line: Line) -> None:
    line.ask(b"MAIL FROM:<>")
    assert line.ask(b"DATA").startswith("503 5.5.1")


def test_it_is_no_smtp_and_smtp_is_no_lmtp(line: Line, door: RunningDoor, spool_folder: Path) -> None:
    assert line.ask(b"EHLO me").startswith("500")
    assert line.ask(b"HELO me").startswith("500")
    with Line(door.port) as smtp:
        assert smtp.ask(b"LHLO me").startswith("500")
        assert_clean(smtp, spool_folder)
