"""SMTPUTF8 all the way: what a client said of its header is said again where the mail is passed on (RFC 6531 §3.5)."""

from __future__ import annotations

import pytest

from portal.delivery.letters import prepare
from portal.delivery.models import Outbound
from portal.ingest import pipeline
from tests.ingest.doors import FROM, TO, Line, RunningDoor

BODY = "\r\n\r\nGrüße.\r\n"
LONG = "".join(f"X-{number}: {'x' * 70}\r\n" for number in range(2_000))


@pytest.mark.parametrize(
    ("header", "options", "said"),
    [
        (f"From: Jürgen <{FROM}>\r\nSubject: Lunch", " SMTPUTF8 BODY=8BITMIME", True),
        (f"From: {FROM}\r\n{LONG}Subject: Grüße", " SMTPUTF8", True),
        (f"From mailbox Thu\r\nFrom: {FROM}\r\nSubject: Grüße", " SMTPUTF8", True),
        (f"From: {FROM}\r\nSubject: Lunch", " SMTPUTF8", False),
        # Where nobody said so it goes on as it came: a server further on would send it back for what it never was.
        (f"From: {FROM}\r\nSubject: Grüße", " BODY=8BITMIME", False),
        (f"Received: from a\r\n\tby b with UTF8SMTP\r\nFrom: {FROM}\r\nSubject: Grüße", "", False),
    ],
    ids=["in From", "far down", "behind an mbox line", "ASCII alone", "not said", "said to another server"],
)
def test_it_is_said_again_where_it_was_said(door: RunningDoor, header: str, options: str, said: bool) -> None:
    with Line(door.port) as line:
        line.to_data(FROM, TO, options=options)
        line.send((header + BODY).encode() + b".\r\n")
        assert line.reply().startswith("250")
    pipeline.process()
    prepared = prepare(Outbound.objects.get(kind="relay"))
    assert prepared is not None
    assert prepared.utf8 is said
    assert b"".join(prepared.data).endswith((header + BODY).partition("\r\n")[2].encode())
