"""The customer header: where many share a mail server, only the mail that carries one's own value is taken."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from branding.models import Brand
from portal.ingest import customer, enrolling, models
from portal.ingest.connectors import Connector, Shown, address_of, match
from portal.ingest.errors import ConnectorRefused
from portal.ingest.models import Spooled
from portal.ingest.spool import open_spooled
from tests.ingest.certs import Authority
from tests.ingest.doors import FROM, MAIL, TO, Line, RunningDoor
from tests.ingest.test_bdat import chunk
from tests.ingest.test_connectors import connector_of, networks
from tests.ingest.test_smtp import QUEUED, assert_nothing_left, configure, taken

NAME = "X-Letterlock-Customer"
HERE = {"networks": "127.0.0.0/8", "tls_required": True}
BOUNCE = f"bounce+{'a' * 55}@"


def marked(*values: str, name: str = NAME) -> bytes:
    """The usual mail with the header in the middle of its header block, once for each value."""
    first, rest = MAIL.split(b"\r\n", 1)
    return b"\r\n".join([first, *(f"{name}: {value}".encode() for value in values), rest])


class TestFault:
    """Pure: what is wrong with a header block."""

    VALUE = "4f" * 24

    def found(self, block: bytes, *values: str) -> str:
        return customer.fault(block, NAME, [customer.digest(value) for value in values])

    def test_one_good_value_is_all_it_takes(self) -> None:
        for line in (
            f"{NAME}: {self.VALUE}",
            f"{NAME.upper()}:{self.VALUE}  ",
            f"{NAME} : {self.VALUE}",
            f"{NAME}:\r\n\t{self.VALUE}",
        ):
            assert self.found(f"From: a\r\n{line}\r\nTo: b\r\n".encode(), "other", self.VALUE) == "", line

    @pytest.mark.parametrize(
        ("lines", "fault"),
        [
            ("", "is missing"),
            (f"X-{NAME}: {VALUE}\r\n", "is missing"),
            (f"Subject: {NAME}: {VALUE}\r\n", "is missing"),
            (f"Subject: x\r\n {NAME}: {VALUE}\r\n", "is missing"),
            (f"{NAME}: {VALUE}\r\n{NAME}: {VALUE}\r\n", "is there more than once"),
            (f"{NAME}: {VALUE}\r\n{NAME.lower()} : x\r\n", "is there more than once"),
            (f"{NAME}: {VALUE[:-1]}\r\n", "has another value"),
            (f"{NAME}: {VALUE}{VALUE}\r\n", "has another value"),
            (f"{NAME}: {VALUE.upper()}\r\n", "has another value"),
            (f'{NAME}: "{VALUE}"\r\n', "has another value"),
            (f"{NAME}: {customer.digest(VALUE)}\r\n", "has another value"),
            (f"{NAME}:\r\n", "has another value"),
            (f"{NAME}: \udcff\r\n", "has another value"),
        ],
    )
    def test_all_else_is_wrong(self, lines: str, fault: str) -> None:
        assert self.found(f"From: a\r\n{lines}To: b\r\n".encode("utf-8", "surrogateescape"), self.VALUE) == fault

    def test_without_a_value_nothing_is_good(self) -> None:
        assert self.found(f"{NAME}: \r\n".encode()) == "has another value"

    def test_a_value_is_new_and_long(self) -> None:
        made = {customer.new_value() for _ in range(50)}
        assert len(made) == 50
        assert all(re.fullmatch("[0-9a-f]{48}", value) for value in made)


def test_it_counts_before_any_network_and_behind_a_certificate() -> None:
    """A near network must not be a way around the header that a wide one asks for."""
    near = Connector("a", networks("192.0.2.7/32"))
    header = Connector("b", networks("192.0.0.0/8"), header=NAME)
    shown = Connector("c", certificate="mx.example")
    address = address_of("192.0.2.7")
    assert match([near, header], Shown(address)) is header
    assert match([near, header, shown], Shown(address, frozenset({"mx.example"}))) is shown


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, at_once: None, transactional_db: None) -> str:
    """The value of a connector `shared` that asks for the header; nothing else lets in."""
    configure(monkeypatch, networks=())
    value = customer.new_value()
    enrolling.add("shared", {**HERE, "header": NAME}, value=value)
    return value


@pytest.fixture
def line(own: str, tls_door: RunningDoor, authority: Authority) -> Iterator[Line]:
    with Line(tls_door.port) as line:
        line.start_tls(authority.client())
        yield line


def refused(reply: str, fault: str) -> bool:
    return reply.startswith("550 5.7.1 The connector shared ") and f"{NAME} {fault}: " in reply


class TestAtTheDoor:
    def test_its_mail_is_taken_and_the_header_is_not_kept(self, own: str, line: Line) -> None:
        reply = line.mail(marked(own))
        assert connector_of(reply) == "shared"
        assert taken(reply) == MAIL
        assert open_spooled(Spooled.objects.get()).envelope.trusted
        folded = marked(f"\r\n\t{own}", name=NAME.lower())
        assert taken(line.mail(folded)) == MAIL

    def test_mail_of_others_is_not(self, own: str, line: Line, spool_folder: Path) -> None:
        for mail, fault in (
            (MAIL, "is missing"),
            (marked(own[:-1] + "g"), "has another value"),
            (marked(own, own), "is there more than once"),
            (marked("x", own), "is there more than once"),
            (MAIL + f"{NAME}: {own}\r\n".encode(), "is missing"),
        ):
            reply = line.mail(mail)
            assert refused(reply, fault), reply
            assert own not in reply
        assert_nothing_left(spool_folder)
        assert connector_of(line.mail(marked(own))) == "shared"

    def test_a_header_that_comes_in_crumbs_is_seen_whole(self, own: str, line: Line) -> None:
        for mail, wanted in ((marked(own), "250"), (marked(own[:-1]), "550")):
            line.to_data()
            for start in range(0, len(mail), 7):
                line.send(mail[start : start + 7])
            line.send(b".\r\n")
            assert line.reply().startswith(wanted)

    def test_chunks_are_refused_as_soon_as_the_header_is_there(self, own: str, line: Line, spool_folder: Path) -> None:
        for mail, wanted in ((MAIL, "550 5.7.1"), (marked(own), "250 2.0.0")):
            assert line.ask(f"MAIL FROM:<{FROM}>".encode()).startswith("250")
            assert line.ask(f"RCPT TO:<{TO}>".encode()).startswith("250")
            assert chunk(line, mail).startswith(wanted)
            if mail == MAIL:
                assert chunk(line, b"more\r\n", last=True).startswith("503")
                assert line.ask(b"RSET").startswith("250")
                assert_nothing_left(spool_folder)
        assert taken(chunk(line, b"", last=True)) == MAIL

    def test_by_lmtp_each_recipient_is_told(self, own: str, authority: Authority, spool_folder: Path) -> None:
        with (
            RunningDoor(authority.door(), lmtp=True, tls=True) as door,
            Line(door.port, greet=False, tls=authority.client()) as line,
        ):
            assert line.ask(b"LHLO client.example").startswith("250")
            for mail, wanted in ((MAIL, "550 5.7.1"), (marked(own), "250 2.0.0")):
                line.to_data(FROM, TO, "a@b.example")
                line.send(mail + b".\r\n")
                assert [line.reply()[:9] for _ in range(2)] == [wanted] * 2

    def test_nothing_of_it_is_logged(self, own: str, line: Line, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        line.mail(marked(own))
        line.mail(marked(own, own))
        assert "connector shared was refused: its customer header is there more than once" in caplog.text
        assert own not in caplog.text
        assert customer.digest(own) not in caplog.text
        assert customer.digest(own) not in repr(Connector("x", header=NAME, digests=(customer.digest(own),)))

    def test_by_another_connector_it_changes_nothing_and_is_not_kept(self, own: str, line: Line) -> None:
        """Whoever comes by another connector is judged as before, and no reader sees what they carried."""
        enrolling.add("zone", {"networks": "127.0.0.1/32"})
        enrolling.change("shared", {"networks": "192.0.2.0/24"})
        for mail in (marked(own), marked("x", own), MAIL):
            reply = line.mail(mail)
            assert connector_of(reply) == "zone"
            assert taken(reply) == MAIL

    def test_of_two_that_differ_in_the_header_alone_the_first_by_name_counts(self, own: str, line: Line) -> None:
        other = customer.new_value()
        enrolling.add("zone", {**HERE, "header": "X-Zone"}, value=other)
        assert refused(line.mail(marked(other, name="X-Zone")), "is missing")
        assert connector_of(line.mail(marked(own))) == "shared"

    def test_old_values_count_until_they_are_forgotten(self, own: str, line: Line) -> None:
        lost, new = customer.new_value(), customer.new_value()
        enrolling.change("shared", {"header": NAME}, value=lost)
        enrolling.change("shared", {"header": NAME}, value=new)
        assert all(taken(line.mail(marked(value))) == MAIL for value in (own, lost, new))
        enrolling.change("shared", {}, forget_old=True)
        assert refused(line.mail(marked(own)), "has another value")
        assert refused(line.mail(marked(lost)), "has another value")
        assert taken(line.mail(marked(new))) == MAIL
        enrolling.change("shared", {"header": ""})
        assert taken(line.mail(MAIL)) == MAIL


class TestBounces:
    """The portal's own mail fails at strangers' mailboxes, which share those addresses and know no value."""

    def sent(self, line: Line, sender: str, *recipients: str, data: bytes = MAIL) -> str:
        line.to_data(sender, *recipients)
        line.send(data + b".\r\n")
        return line.reply()

    def test_they_are_taken_as_nobodys(self, line: Line) -> None:
        Brand.objects.create(name="Harbour", host="mail.harbour.example")
        for domain in ("localhost", "LOCALHOST", "mail.harbour.example"):
            reply = self.sent(line, "", BOUNCE + domain)
            envelope = open_spooled(Spooled.objects.get(pk=UUID(QUEUED.fullmatch(reply)[1]))).envelope  # type: ignore[index]
            assert not envelope.trusted
            assert envelope.connector == ""

    def test_with_the_header_they_are_the_connectors(self, own: str, line: Line) -> None:
        assert connector_of(self.sent(line, "", BOUNCE + "localhost", data=marked(own))) == "shared"

    @pytest.mark.parametrize(
        ("sender", "recipients"),
        [
            ("", (TO,)),
            ("", (BOUNCE + "localhost", TO)),
            ("", (BOUNCE + "elsewhere.example",)),
            ("", ("bounce+aa@localhost",)),
            (FROM, (BOUNCE + "localhost",)),
        ],
    )
    def test_what_only_looks_like_one_is_not(self, line: Line, sender: str, recipients: tuple[str, ...]) -> None:
        assert refused(self.sent(line, sender, *recipients), "is missing")


class TestCommand:
    def run(self, *arguments: str) -> str:
        out = StringIO()
        call_command("connector", *arguments, stdout=out)
        return out.getvalue()

    def value(self, said: str) -> str:
        found = re.search(rf"^{NAME}: ([0-9a-f]{{48}})  \(shown this once; it is kept as a hash\)$", said, re.M | re.I)
        assert found, said
        return found[1]

    def test_a_value_is_shown_once_and_kept_as_a_hash(self, db: None) -> None:
        first = self.value(self.run("add", "shared", "--networks", "192.0.2.0/24", "--tls", "--header", NAME))
        row = models.Connector.objects.get()
        assert row.header_digests == customer.digest(first)
        assert f"shared; networks 192.0.2.0/24; TLS only; header {NAME}\n" in self.run("list")
        second = self.value(self.run("change", "shared", "--header", NAME.lower()))
        assert f"header {NAME.lower()} (2 values)\n" in self.run("list")
        row.refresh_from_db()
        assert row.header_digests.split() == [customer.digest(second), customer.digest(first)]
        assert first not in str(vars(row)) and second not in str(vars(row))
        self.run("change", "shared", "--max-sessions", "5")
        assert customer.digest(second) not in self.run("change", "shared", "--forget-old-header")
        row.refresh_from_db()
        assert row.header_digests == customer.digest(second)
        third = self.value(self.run("change", "shared", "--header", NAME, "--forget-old-header"))
        row.refresh_from_db()
        assert row.header_digests == customer.digest(third)
        self.run("change", "shared", "--header", "")
        row.refresh_from_db()
        assert (row.header, row.header_digests) == ("", "")

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (("add", "x", "--header", NAME, "--tls"), "ask for something"),
            (("add", "x", "--networks", "192.0.2.0/24", "--header", NAME), "--tls"),
            (("add", "x", "--login", "x", "--header", "Subject"), "begins with X-"),
            (("add", "x", "--login", "x", "--header", "X-"), "begins with X-"),
            (("add", "x", "--login", "x", "--header", "X-A: b"), "begins with X-"),
            (("add", "x", "--login", "x", "--header", "X-" + "a" * 63), "begins with X-"),
            (("add", "x", "--login", "x", "--header", "x-letterlock-PROTECT"), "uses itself"),
            (("add", "x", "--login", "x", "--header", "X-Letterlock-Seal"), "uses itself"),
        ],
    )
    def test_what_cannot_be_is_said_with_a_way_out(self, db: None, arguments: tuple[str, ...], named: str) -> None:
        with pytest.raises(CommandError, match=named):
            self.run(*arguments)
        assert not models.Connector.objects.exists()

    def test_a_change_cannot_open_what_is_closed(self, db: None) -> None:
        value = customer.new_value()
        enrolling.add("shared", {**HERE, "header": NAME}, value=value)
        for arguments, named in (
            (("--no-tls",), "--tls"),
            (("--header", "X-Other"), f"asks for {NAME} already"),
        ):
            with pytest.raises(CommandError, match=named):
                self.run("change", "shared", *arguments)
        row = models.Connector.objects.get()
        assert (row.header, row.header_digests, row.tls_required) == (NAME, customer.digest(value), True)
        enrolling.add("plain", {"networks": "192.0.2.0/24"})
        with pytest.raises(ConnectorRefused, match="no customer header"):
            enrolling.change("plain", {}, forget_old=True)
