"""The door, spoken to byte by byte."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import threading
import time
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection

from portal.ingest.models import Spooled
from portal.ingest.smtp import limits
from portal.ingest.spool import open_spooled
from tests.ingest.doors import FROM, MAIL, TO, Line, RunningDoor
from tests.servers import wait_for

RECEIVED = re.compile(rb"Received: from [^\n]+\n(?:\t[^\n]+\n)+")
QUEUED = re.compile(r"250 2\.0\.0 queued as ([0-9a-f-]{36})")


def configure(monkeypatch: pytest.MonkeyPatch, **changed: object) -> None:
    monkeypatch.setattr(settings, "LETTERLOCK", dataclasses.replace(settings.LETTERLOCK, **changed))  # type: ignore[arg-type]


def taken(reply: str) -> bytes:
    """The mail that a 250 speaks of."""
    found = QUEUED.fullmatch(reply)
    assert found, reply
    return as_sent(open_spooled(Spooled.objects.get(pk=UUID(found[1]))).read())


def as_sent(mail: bytes) -> bytes:
    """A spooled mail without the Received header that the door put in front."""
    header = RECEIVED.match(mail)
    assert header, mail[:200]
    return mail[header.end() :]


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


def assert_nothing_left(folder: Path) -> None:
    wait_for(lambda: not left(folder), 20, "a spool file was left")
    assert not Spooled.objects.exists()


def assert_clean(line: Line, folder: Path) -> None:
    """Nothing of the last mail was kept, and the session still works."""
    assert_nothing_left(folder)
    assert taken(line.mail()) == MAIL


class TestDialogue:
    def test_it_offers_what_it_can(self, door: RunningDoor) -> None:
        with Line(door.port, greet=False) as line:
            assert line.greeting.startswith("220 ")
            offered = {text[4:] for text in line.ask(b"EHLO me").splitlines()[1:]}
        assert offered == {
            "SIZE 157286400",
            "8BITMIME",
            "SMTPUTF8",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
            "CHUNKING",
            "DSN",
            "HELP",
        }

    def test_a_mail_is_durable_when_it_says_250(self, door: RunningDoor, spool_folder: Path) -> None:
        with Line(door.port) as line:
            id_ = UUID(QUEUED.fullmatch(line.mail())[1])  # type: ignore[index]
            row = Spooled.objects.get(pk=id_)
            opened = open_spooled(row)
            assert as_sent(opened.read()) == MAIL
            assert (row.state, row.size, row.recipients) == ("received", len(opened.read()), 1)
            envelope = opened.envelope
            assert (envelope.sender, envelope.recipients, envelope.source, envelope.trusted) == (
                FROM,
                (TO,),
                "smtp",
                True,
            )
            assert (envelope.peer, envelope.hello) == ("127.0.0.1", "client.example")
            assert left(spool_folder) == [str(id_)]
            assert line.ask(b"QUIT").startswith("221")
            assert line.hung_up()

    @pytest.mark.parametrize(
        "mail",
        [
            b"",
            b"\r\n",
            b"no header at all\r\n",
            b".\r\n",
            b"Subject: x\r\n\r\n.\r\n..\r\n.hidden\r\n...\r\n",
            b"Subject: nul\r\n\r\n\x00\xff\xfe\r\n",
            b"Subject: long\r\n\r\n" + b"x" * 3_000_000 + b"\r\n",
            b"Subject: dots\r\n\r\n" + b".\r\n" * 100_000,
            b"X: " + b"y" * 200_000 + b"\r\n\r\nbody\r\n",
        ],
        ids=["nothing", "one line end", "no header", "a dot", "dots", "nul", "long line", "many dots", "long header"],
    )
    def test_a_mail_is_kept_byte_for_byte(self, door: RunningDoor, mail: bytes) -> None:
        with Line(door.port) as line:
            assert taken(line.mail(mail)) == mail
            assert taken(line.mail()) == MAIL

    def test_pipelined_commands_are_all_answered(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            line.send(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\nDATA\r\n")
            assert [line.reply()[:3] for _ in range(4)] == ["250", "250", "250", "354"]
            # The end of one mail, the next transaction and QUIT in one packet.
            line.send(MAIL + b".\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
            assert taken(line.reply()) == MAIL
            assert [line.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
            line.send(MAIL + b".\r\nQUIT\r\n")
            row = Spooled.objects.get(pk=UUID(QUEUED.fullmatch(line.reply())[1]))  # type: ignore[index]
            assert open_spooled(row).envelope.sender == ""
            assert line.reply().startswith("221")

    def test_addresses_in_other_letters_need_smtputf8(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            assert line.ask("MAIL FROM:<jürgen@bücher.example>".encode()).startswith("553 5.6.7")
            line.to_data("jürgen@bücher.example", "用户@例え.example", options=" SMTPUTF8 BODY=8BITMIME")
            line.send(MAIL + b".\r\n")
            row = Spooled.objects.get(pk=UUID(QUEUED.fullmatch(line.reply())[1]))  # type: ignore[index]
            assert open_spooled(row).envelope.recipients == ("用户@例え.example",)

    @pytest.mark.parametrize(
        ("command", "reply"),
        [
            (b"MAIL", "501 5.5.4"),
            (b"MAIL FROM:", "501 5.5.4"),
            (b"MAIL FROM:<a@b.example", "501 5.5.4"),
            (b"MAIL FROM:<a@b.example> SIZE=x", "501 5.5.4"),
            (b"MAIL FROM:<a@b.example> SIZE=1 SIZE=2", "501 5.5.4"),
            (b"MAIL FROM:<a@b.example> BODY=BINARYMIME", "501 5.5.4"),
            (b"MAIL FROM:<a@b.example> BY=120;R", "555 5.5.4"),
            (b"MAIL FROM:<a@b.example>RCPT TO:<x@y.example>", "501 5.5.4"),
            (b"MAIL FROM:<nodomain>", "553 5.1.3"),
            (b"MAIL FROM:<a\x07b@c.example>", "553 5.1.3"),
            (b"MAIL FROM:<a\xff@c.example> SMTPUTF8", "553 5.1.3"),
            (b"MAIL FROM:<" + b"a" * 60 + b"@" + b"b" * 300 + b".example>", "553 5.1.3"),
            (b"MAIL FROM:<" + b"a" * 60 + b"@" + b"b" * 2000 + b".example>", "500"),
            (b"RCPT TO:<a@b.example>", "503 5.5.1"),
            (b"DATA", "503 5.5.1"),
            (b"AUTH PLAIN AGEAYg==", "502 5.5.1"),
            (b"STARTTLS", "502 5.5.1"),
            (b"EXPN list", "500"),
            (b"VRFY jonas", "252"),
            (b"", "500"),
            (b"\xff\xfe", "500"),
        ],
    )
    def test_what_it_cannot_follow_is_refused_by_name(self, door: RunningDoor, command: bytes, reply: str) -> None:
        with Line(door.port) as line:
            assert line.ask(command).startswith(reply)
            assert taken(line.mail()) == MAIL

    @pytest.mark.parametrize(
        "address",
        ['"jonas berg"@mail.example', "o'brien+tag=1@mail.example", "a@[192.0.2.1]", "@hop.example:a@mail.example"],
    )
    def test_odd_addresses_are_taken(self, door: RunningDoor, address: str) -> None:
        with Line(door.port) as line:
            line.to_data(FROM, address)
            line.send(MAIL + b".\r\n")
            row = Spooled.objects.get(pk=UUID(QUEUED.fullmatch(line.reply())[1]))  # type: ignore[index]
            assert open_spooled(row).envelope.recipients == (address.rpartition("hop.example:")[2],)

    def test_a_recipient_named_twice_is_one(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            line.to_data(FROM, TO, TO.upper(), TO)
            line.send(MAIL + b".\r\n")
            assert line.reply().startswith("250")
        assert Spooled.objects.get().recipients == 1

    def test_an_open_transaction_is_not_begun_again(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            line.ask(b"MAIL FROM:<>")
            assert line.ask(b"MAIL FROM:<a@b.example>").startswith("503 5.5.1")
            assert line.ask(b"RSET").startswith("250")
            assert line.ask(b"MAIL FROM:<a@b.example>").startswith("250")
            assert line.ask(b"EHLO again").startswith("250")
            assert line.ask(b"RCPT TO:<a@b.example>").startswith("503 5.5.1")


class TestRefusals:
    """Each with its code, nothing kept, and the session goes on."""

    def test_a_stranger_is_told_why(
        self, transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(monkeypatch, networks=())
        with RunningDoor() as door, Line(door.port) as line:
            reply = line.ask(b"MAIL FROM:<a@b.example>")
            assert reply.startswith("550 5.7.1 ")
            assert "LETTERLOCK_NETWORKS" in reply
            assert line.ask(b"RCPT TO:<a@b.example>").startswith("503")
            assert_nothing_left(spool_folder)

    def test_no_recipients(self, door: RunningDoor, spool_folder: Path) -> None:
        with Line(door.port) as line:
            line.ask(b"MAIL FROM:<a@b.example>")
            assert line.ask(b"RCPT TO:<nobody>").startswith("553 5.1.3")
            assert line.ask(b"DATA").startswith("554 5.5.1")
            line.ask(b"RSET")
            assert_clean(line, spool_folder)

    def test_too_many_recipients(self, door: RunningDoor, monkeypatch: pytest.MonkeyPatch) -> None:
        with Line(door.port) as line:
            line.ask(b"MAIL FROM:<a@b.example>")
            replies = [line.ask(f"RCPT TO:<r{n}@b.example>".encode())[:9] for n in range(502)]
            assert replies == ["250 2.1.5"] * 500 + ["452 4.5.3"] * 2
            assert line.ask(b"DATA").startswith("354")
            line.send(MAIL + b".\r\n")
            assert taken(line.reply()) == MAIL
        assert Spooled.objects.get().recipients == 500

    def test_a_size_announced_over_the_limit(self, door: RunningDoor, spool_folder: Path) -> None:
        with Line(door.port) as line:
            assert line.ask(b"MAIL FROM:<a@b.example> SIZE=157286401").startswith("552 5.3.4")
            assert line.ask(b"MAIL FROM:<a@b.example> SIZE=157286400").startswith("250")
            line.ask(b"RSET")
            assert_clean(line, spool_folder)

    def test_one_byte_over_the_limit(
        self, transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(monkeypatch, max_message_bytes=1_000_000)
        with RunningDoor() as door, Line(door.port) as line:
            exact = MAIL + b"x" * (1_000_000 - len(MAIL) - 2) + b"\r\n"
            assert taken(line.mail(exact)) == exact
            Spooled.objects.all().delete()
            for path in spool_folder.glob("*-*"):
                path.unlink()
            assert line.mail(b"x" + exact).startswith("552 5.3.4 ")
            assert_clean(line, spool_folder)

    def test_150_mebibytes_are_taken_and_one_byte_more_is_not(self, door: RunningDoor, spool_folder: Path) -> None:
        limit = 150 * 1024 * 1024
        lines = MAIL + (b"y" * 78 + b"\r\n") * ((limit - len(MAIL)) // 80 - 1)
        exact = lines + b"z" * (limit - len(lines) - 2) + b"\r\n"
        with Line(door.port) as line:
            assert line.mail(b"z" + exact).startswith("552 5.3.4 ")
            assert_clean(line, spool_folder)
            assert line.mail(exact).startswith("250 2.0.0 queued as ")
        # With the door's own Received field in front.
        assert 0 < Spooled.objects.order_by("-size")[0].size - limit < 400

    def test_an_endless_mail_is_cut(
        self, transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(monkeypatch, max_message_bytes=100_000)
        with RunningDoor() as door, Line(door.port) as line:
            line.to_data()
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                line.send(b"x" * 100_000_000)
            assert_nothing_left(spool_folder)

    @pytest.mark.parametrize(
        ("mail", "named"),
        [
            (
                b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 1001 + b"--b--\r\n",
                "more than 1,000 parts",
            ),
            (
                b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(21)),
                "more than 20 levels",
            ),
            (b"X: " + b"y" * 300_000 + b"\r\n\r\n", "header"),
            (b"".join(b"X%d: y\r\n" % n for n in range(50_000)) + b"\r\n", "header"),
        ],
        ids=["parts", "depth", "long header", "many headers"],
    )
    def test_a_limit_is_named(self, door: RunningDoor, spool_folder: Path, mail: bytes, named: str) -> None:
        with Line(door.port) as line:
            reply = line.mail(mail)
            assert reply.startswith("554 5.6.0 ")
            assert named in reply
            assert_clean(line, spool_folder)

    @pytest.mark.parametrize("value", [b"v=2", b"fwd=0", b"v=1; until=soon", b"v=1; fwd=2"])
    def test_a_trigger_that_cannot_be_obeyed(self, door: RunningDoor, spool_folder: Path, value: bytes) -> None:
        with Line(door.port) as line:
            reply = line.mail(b"x-letterlock-PROTECT:\r\n " + value + b"\r\n" + MAIL)
            assert reply.startswith("554 5.6.0 ")
            assert "X-Letterlock-Protect" in reply
            assert_clean(line, spool_folder)

    def test_a_trigger_that_can_be_obeyed_is_taken(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            mail = b"X-Letterlock-Protect: v=1; fwd=0; unknown=3\r\n" + MAIL
            assert taken(line.mail(mail)) == mail
            only_body = MAIL + b"X-Letterlock-Protect: v=9\r\n"
            assert taken(line.mail(only_body)) == only_body

    def test_a_database_that_takes_no_rows(self, door: RunningDoor, spool_folder: Path) -> None:
        # A lock held longer than the door waits would take 20 s; a missing table fails at once.
        table = Spooled._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO away")
        try:
            with Line(door.port) as line:
                assert line.mail().startswith("451 4.3.0 ")
                assert left(spool_folder) == []
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE away RENAME TO {table}")
        with Line(door.port) as line:
            assert_clean(line, spool_folder)


class TestSmuggling:
    """https://www.postfix.org/smtp-smuggling.html: a second mail hidden behind a false end of the first."""

    @pytest.mark.parametrize(
        "false_end",
        [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n\n.\r\n", b"\r\r\n.\r\r\n"],
    )
    def test_what_follows_a_false_end_is_no_second_mail(
        self, door: RunningDoor, spool_folder: Path, false_end: bytes
    ) -> None:
        with Line(door.port) as line:
            line.to_data()
            line.send(
                b"Subject: one\r\n\r\nfirst" + false_end
                + b"MAIL FROM:<ceo@aldervalley.example>\r\nRCPT TO:<jonas.berg@mail.example>\r\nDATA\r\n"
                + b"Subject: two\r\n\r\nsmuggled\r\n.\r\nNOOP\r\n"
            )  # fmt: skip
            assert line.reply().startswith("550 5.5.2 ")
            assert line.reply().startswith("250")
            assert_clean(line, spool_folder)

    @pytest.mark.parametrize("bare", [b"a\rb", b"a\nb", b"\n", b"\r", b"a\r\r\nb", b"a\n\r\nb"])
    def test_a_bare_line_end_is_refused(self, door: RunningDoor, spool_folder: Path, bare: bytes) -> None:
        with Line(door.port) as line:
            assert line.mail(MAIL + bare + b"\r\n").startswith("550 5.5.2 ")
            assert_clean(line, spool_folder)


class TestBrokenLines:
    @pytest.mark.parametrize("sent", [b"", b"Subject: x\r\n", MAIL, MAIL + b".\r", MAIL + b"x" * 2_000_000])
    def test_a_client_that_goes_before_the_end_leaves_nothing(
        self, door: RunningDoor, spool_folder: Path, sent: bytes
    ) -> None:
        with Line(door.port) as line:
            line.to_data()
            line.send(sent)
            if len(sent) > 1_000_000:
                wait_for(lambda: left(spool_folder), 20, "the mail was not begun")
        with Line(door.port) as line:
            assert_clean(line, spool_folder)

    def test_fifty_that_break_off_at_once_leave_nothing(self, door: RunningDoor, spool_folder: Path) -> None:
        lines = [Line(door.port) for _ in range(50)]
        for line in lines:
            line.to_data()
            line.send(MAIL + os.urandom(300_000).hex().encode())
        for line in lines:
            line.close()
        with Line(door.port) as line:
            assert_clean(line, spool_folder)

    def test_clients_that_go_before_they_hear_the_250_stop_no_other(self, door: RunningDoor) -> None:
        lines = [Line(door.port) for _ in range(50)]
        for line in lines:
            line.to_data()
        for line in lines:
            line.send(MAIL + b".\r\n")
            line.close()
        with Line(door.port) as line:
            assert taken(line.mail()) == MAIL
        # Each was whole, so it is kept or was never handed over; none is there in part.
        for row in Spooled.objects.all():
            assert as_sent(open_spooled(row).read()) == MAIL

    def test_silence_ends_a_session(
        self, transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Each when the client has come as far as it should: on a busy machine that takes longer by chance.
        with RunningDoor() as door:
            with Line(door.port) as line, monkeypatch.context() as during:
                during.setattr(limits, "COMMAND_SECONDS", 0.3)
                assert line.ask(b"NOOP").startswith("250")
                assert line.reply().startswith("421 4.4.2")
                assert line.hung_up()
            with Line(door.port) as line:
                line.to_data()
                monkeypatch.setattr(limits, "DATA_SECONDS", 0.3)
                line.send(MAIL * 10_000)
                assert line.reply().startswith("421 4.4.2")
            assert_nothing_left(spool_folder)

    def test_too_many_errors_end_a_session(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            replies = [line.ask(b"RCPT TO:<x@y.example>") for _ in range(limits.MAX_ERRORS)]
            assert all(reply.startswith("503") for reply in replies)
            assert line.reply().startswith("421 4.7.0")
            assert line.hung_up()

    def test_unknown_commands_end_a_session_sooner(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            for _ in range(4):
                assert line.ask(b"GET / HTTP/1.1").startswith("500")
            assert line.ask(b"Host: x").startswith("502")
            assert line.hung_up()

    def test_a_session_too_many_is_told_to_come_again(
        self, transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MAX_SESSIONS", 2)
        with RunningDoor() as door:
            with Line(door.port) as one, Line(door.port):
                with Line(door.port, greet=False) as third:
                    assert third.greeting.startswith("421 4.3.2")
                    assert third.hung_up()
                assert taken(one.mail()) == MAIL
            wait_for(lambda: _greets(door.port), 20, "the place was not given back")

    def test_strangers_cannot_keep_a_listed_server_out(
        self, transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MAX_STRANGERS", 1)
        configure(monkeypatch, networks=())
        with RunningDoor() as door, Line(door.port), Line(door.port, greet=False) as second:
            assert second.greeting.startswith("421")

    def test_content_and_addresses_are_not_logged(
        self, door: RunningDoor, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        with Line(door.port) as line:
            line.ask(b"DATA")  # refused; what a heedless client sends next are unknown commands
            line.send(b"Canary-7c1f: secret\r\nCanary-7c1f\r\n")
            line.reply(), line.reply()
            assert taken(line.mail()) == MAIL
            line.mail(b"Canary-7c1f: x\r\n\r\nbare\rCanary-7c1f\r\n")
        seen = caplog.text + "".join(capfd.readouterr())
        for secret in ("canary", "jonas", "maya"):
            assert secret not in seen.lower()


def _greets(port: int) -> bool:
    with Line(port, greet=False) as line:
        return line.greeting.startswith("220")


class TestTogether:
    def test_many_sessions_are_committed_in_groups(
        self, door: RunningDoor, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = [Line(door.port) for _ in range(20)]
        for number, line in enumerate(lines):
            line.to_data()
            line.send(b"Subject: %d\r\n\r\n" % number)
        for line in lines:
            line.send(b".\r\n")
        got = {taken(line.reply()) for line in lines}
        assert got == {b"Subject: %d\r\n\r\n" % number for number in range(20)}
        for line in lines:
            line.close()
        assert len({row.received_at for row in Spooled.objects.all()}) < 20

    def test_a_large_mail_holds_up_no_small_one(self, door: RunningDoor) -> None:
        stop = threading.Event()

        def keep_sending() -> None:
            with Line(door.port) as large:
                large.to_data()
                while not stop.is_set():
                    large.send(b"x" * 998 + b"\r\n")
                large.send(b".\r\n")
                large.reply()

        thread = threading.Thread(target=keep_sending)
        thread.start()
        try:
            with Line(door.port) as line:
                begun = time.monotonic()
                for _ in range(10):
                    assert taken(line.mail()) == MAIL
                assert time.monotonic() - begun < 60, "it waited for the end of the large one"
        finally:
            stop.set()
            thread.join()


class TestStopping:
    def test_idle_sessions_are_told_and_open_ones_may_finish(self, transactional_db: None, spool_folder: Path) -> None:
        with RunningDoor() as door:
            idle, busy = Line(door.port), Line(door.port)
            busy.to_data()
            busy.send(MAIL[:20])
            door.begin_to_stop()
            assert idle.reply().startswith("421 4.3.2")
            assert idle.hung_up()
            busy.send(MAIL[20:] + b".\r\n")
            assert taken(busy.reply()) == MAIL
            assert busy.reply().startswith("421 4.3.2")
            assert busy.hung_up()
            with pytest.raises(ConnectionRefusedError):
                Line(door.port)

    def test_a_transaction_that_does_not_end_is_cut(
        self, transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("portal.ingest.serving.FINISH_SECONDS", 0.3)
        with RunningDoor() as door:
            line = Line(door.port)
            line.to_data()
            line.send(MAIL * 5000)
        assert line.hung_up()
        assert_nothing_left(spool_folder)
