"""The Received header that the door adds, and the loops that it ends."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from portal.audit.models import Entry
from portal.ingest.errors import MailLoop
from portal.ingest.models import Spooled
from portal.ingest.received import MAX_HOPS, Trace
from portal.ingest.spool import open_spooled
from portal.mime.reading import read
from tests.ingest.conftest import empty
from tests.ingest.doors import FROM, MAIL, TO, Line, RunningDoor
from tests.ingest.test_smtp import QUEUED, assert_clean
from tests.servers import wait_for

ID = UUID("01a2144d-dc5a-7b52-8ff7-ee1b2bd1d348")
NOW = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
TRACE = Trace("secure.example.org", "mx.example.org", "192.0.2.1", "ESMTPS", "TLS_AES_256_GCM_SHA384")


def stored(line: Line, data: bytes) -> bytes:
    reply = line.mail(data)
    return open_spooled(Spooled.objects.get(pk=UUID(QUEUED.fullmatch(reply)[1]))).read()  # type: ignore[index]


def test_it_is_as_the_rfc_says() -> None:
    assert TRACE.header(ID, NOW).decode() == (
        "Received: from mx.example.org ([192.0.2.1])\r\n"
        "\tby secure.example.org (Letterlock) with ESMTPS\r\n"
        "\tid 01a2144d-dc5a-7b52-8ff7-ee1b2bd1d348\r\n\ttls TLS_AES_256_GCM_SHA384;\r\n"
        "\tWed, 25 Nov 2026 20:00:00 +0000\r\n"
    )


def test_it_stands_in_front_and_names_the_id_but_no_recipient(door: RunningDoor) -> None:
    with Line(door.port) as line:
        mail = stored(line, MAIL)
    row = Spooled.objects.get()
    assert mail.endswith(MAIL)
    head = mail[: -len(MAIL)]
    assert head.startswith(b"Received: from client.example ([127.0.0.1])\r\n\tby localhost (Letterlock) with ESMTP\r\n")
    assert str(row.pk).encode() in head
    assert TO.encode() not in head
    assert FROM.encode() not in head
    assert read(mail).subject == "Hello"


@pytest.mark.parametrize(
    "hello",
    [
        "evil\r\nX-Letterlock-Protect: v=1",
        "a by secure.example.org (Letterlock)",
        "x (y",
        "é",
        "[192.0.2.1] z",
        "a" * 300,
    ],
)
def test_what_a_client_calls_itself_puts_nothing_into_it(hello: str) -> None:
    header = Trace("secure.example.org", hello, "2001:db8::1", "SMTP").header(ID, NOW)
    assert header.startswith(b"Received: from unknown ([IPv6:2001:db8::1])\r\n\tby secure.example.org (Letterlock)")
    assert header.count(b"\r\n") == 4


@pytest.mark.parametrize(
    ("mail", "meaning"),
    [
        (b"From maya@x Wed Nov 25 20:00:00 2026\r\nX-Letterlock-Protect: v=1\r\n\r\nbody\r\n", "v=1"),
        (b" folded\r\nX-Letterlock-Protect: v=1\r\n\r\nbody\r\n", "v=1"),
    ],
    ids=["mbox", "folded"],
)
def test_it_hides_no_header_of_a_mail_that_begins_oddly(door: RunningDoor, mail: bytes, meaning: str) -> None:
    with Line(door.port) as line:
        found = dict(read(stored(line, mail)).headers)
    assert found["X-Letterlock-Protect"] == meaning
    assert "Received" in found


def hops(count: int) -> bytes:
    return b"".join(b"Received: from a\r\n\tby b%d; today\r\n" % n for n in range(count))


def test_more_than_thirty_hops_are_a_loop(door: RunningDoor, spool_folder: Path) -> None:
    with Line(door.port) as line:
        assert stored(line, hops(MAX_HOPS) + MAIL).endswith(MAIL)
        assert stored(line, MAIL + hops(40)).endswith(hops(40))  # in the body they are text
        Spooled.objects.all().delete()
        empty(spool_folder)
        assert line.mail(hops(MAX_HOPS + 1) + MAIL).startswith("554 5.4.6 Mail loop")
        assert_clean(line, spool_folder)


def test_a_mail_that_comes_for_the_third_time_is_a_loop(door: RunningDoor, caplog: pytest.LogCaptureFixture) -> None:
    with Line(door.port) as line:
        once = stored(line, MAIL)
        twice = stored(line, once)
        assert twice.endswith(once)
        assert line.mail(twice).startswith("554 5.4.6 Mail loop")
        # The marker may be folded and written otherwise by servers on the way.
        folded = re.sub(rb"by localhost \(Letterlock\)", b"BY\r\n\tlocalhost\r\n (letterlock)", twice)
        assert folded != twice
        assert line.mail(folded).startswith("554 5.4.6")
    assert "goes round in a circle" in caplog.text
    # Recorded, and once for both refusals.
    wait_for(lambda: Entry.objects.filter(kind="message.looped").count() == 1, 20, "the loop was not recorded")
    assert FROM not in caplog.text


def test_other_doors_and_the_body_count_for_nothing() -> None:
    other = Trace("other.example.org", "x", "192.0.2.1", "ESMTP").header(ID, NOW)
    TRACE.check(other * 5 + b"Subject: by secure.example.org (Letterlock)\r\n" * 5)
    with pytest.raises(MailLoop):
        TRACE.check(TRACE.header(ID, NOW) * 2)
