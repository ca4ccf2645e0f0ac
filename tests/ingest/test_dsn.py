"""What a sender asks to be told (RFC 3461): read, checked, and kept beside each recipient in the sealed envelope."""

from __future__ import annotations

from uuid import UUID

import cbor2
import pytest

from portal.ingest.errors import SpoolDamaged
from portal.ingest.models import Spooled
from portal.ingest.spool import Envelope, open_spooled
from portal.mime.dsn import Dsn
from tests.ingest.doors import MAIL, Line, RunningDoor
from tests.ingest.test_smtp import QUEUED


def envelope_of(reply: str) -> Envelope:
    return open_spooled(Spooled.objects.get(pk=UUID(QUEUED.fullmatch(reply)[1]))).envelope  # type: ignore[index]


def test_it_is_kept_for_each_recipient(door: RunningDoor) -> None:
    with Line(door.port) as line:
        assert "250-DSN" in line.ask(b"EHLO me")
        line.ask(b"MAIL FROM:<a@b.example> RET=hdrs ENVID=QQ+2B314159 AUTH=a+40b.example")
        line.ask(b"RCPT TO:<c@d.example> NOTIFY=success,FAILURE ORCPT=rfc822;Bob+2Bx@d.example")
        line.ask(b"RCPT TO:<e@f.example> NOTIFY=NEVER")
        line.ask(b"RCPT TO:<g@h.example>")
        line.ask(b"RCPT TO:<C@d.example> NOTIFY=NEVER")  # the same again: its first wish stands
        line.ask(b"DATA")
        line.send(MAIL + b".\r\n")
        found = envelope_of(line.reply())
    assert found.addressed() == [
        ("c@d.example", Dsn("SUCCESS,FAILURE", "rfc822;Bob+2Bx@d.example", "HDRS", "QQ+2B314159")),
        ("e@f.example", Dsn("NEVER", "", "HDRS", "QQ+2B314159")),
        ("g@h.example", Dsn("", "", "HDRS", "QQ+2B314159")),
    ]


def test_nothing_asked_is_nothing_kept(door: RunningDoor) -> None:
    with Line(door.port) as line:
        found = envelope_of(line.mail())
    assert found.dsn == ()
    assert [dsn for _, dsn in found.addressed()] == [Dsn()]


@pytest.mark.parametrize(
    "parameter",
    [
        "RET=BODY",
        "RET",
        "RET=",
        "ENVID=",
        "ENVID=a+b",
        "ENVID=a+2b",
        "ENVID=" + "x" * 101,
        "AUTH=a+b",
        "RET=FULL RET=FULL",
    ],
)
def test_parameters_of_mail_that_are_none_are_refused(door: RunningDoor, parameter: str) -> None:
    with Line(door.port) as line:
        assert line.ask(f"MAIL FROM:<a@b.example> {parameter}".encode()).startswith("501 5.5.4")
        assert line.ask(b"RCPT TO:<a@b.example>").startswith("503")


@pytest.mark.parametrize(
    "parameter",
    [
        "NOTIFY=",
        "NOTIFY=NEVER,SUCCESS",
        "NOTIFY=SUCCESS,SUCCESS",
        "NOTIFY=ALWAYS",
        "NOTIFY=SUCCESS,",
        "ORCPT=a@b.example",
        "ORCPT=;a@b.example",
        "ORCPT=rfc822;",
        "ORCPT=rfc822;a+b",
        "ORCPT=rfc 822;a",
        "ORCPT=rfc822;" + "x" * 500,
    ],
)
def test_parameters_of_rcpt_that_are_none_are_refused(door: RunningDoor, parameter: str) -> None:
    with Line(door.port) as line:
        line.ask(b"MAIL FROM:<a@b.example>")
        assert line.ask(f"RCPT TO:<a@b.example> {parameter}".encode()).startswith("501 5.5.4")
        assert line.ask(b"DATA").startswith("554 5.5.1")


class TestEncoding:
    OLD = {"sender": "a@b.example", "recipients": ["c@d.example"], "source": "smtp", "trusted": True, "thread": None,
           "author": None, "peer": "192.0.2.1", "hello": "x"}  # fmt: skip

    def test_a_file_of_the_version_before_opens(self) -> None:
        found = Envelope.decode(cbor2.dumps(self.OLD))
        # All mail that a mail server handed in came by LETTERLOCK_NETWORKS then.
        assert (found.connector, found.dsn, found.recipients) == ("networks", (), ("c@d.example",))
        assert Envelope.decode(cbor2.dumps({**self.OLD, "trusted": False})).connector == ""
        assert Envelope.decode(cbor2.dumps({**self.OLD, "source": "api"})).connector == ""

    def test_the_version_before_reads_what_asks_for_nothing_new(self) -> None:
        found = Envelope.decode(cbor2.dumps(self.OLD))
        assert set(cbor2.loads(found.encode())) == set(self.OLD)

    def test_what_a_later_version_adds_is_passed_over(self) -> None:
        assert Envelope.decode(cbor2.dumps({**self.OLD, "later": 1})) == Envelope.decode(cbor2.dumps(self.OLD))

    def test_there_and_back(self) -> None:
        wishes = (Dsn("NEVER", "rfc822;c@d.example", "FULL", "x"),)
        made = Envelope("a@b.example", ("c@d.example",), "smtp", True, connector="office", dsn=wishes)
        assert Envelope.decode(made.encode()) == made

    @pytest.mark.parametrize("dsn", [[["NEVER", "", "", ""]] * 2, [["a"] * 9], [3]])
    def test_damage_is_named(self, dsn: object) -> None:
        with pytest.raises(SpoolDamaged):
            Envelope.decode(cbor2.dumps({**self.OLD, "dsn": dsn}))
