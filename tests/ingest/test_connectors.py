"""Connectors: who may hand in mail, shown by network, certificate or login, and as whom."""

from __future__ import annotations

import base64
import ipaddress
import ssl
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.audit.models import Entry
from portal.ingest import enrolling, models
from portal.ingest.connectors import Connector, Shown, address_of, match
from portal.ingest.models import Spooled
from portal.ingest.smtp import limits
from portal.ingest.spool import open_spooled
from portal.values import Network
from tests.ingest.certs import Authority
from tests.ingest.doors import FROM, MAIL, Line, RunningDoor
from tests.ingest.test_smtp import QUEUED, configure, taken

pytestmark = pytest.mark.usefixtures("at_once")
PASSWORD = "correct horse battery"


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """LETTERLOCK_NETWORKS lists nothing, so that only connectors count."""
    configure(monkeypatch, networks=())


def connector_of(reply: str) -> str:
    return open_spooled(Spooled.objects.get(pk=UUID(QUEUED.fullmatch(reply)[1]))).envelope.connector  # type: ignore[index]


def plain(name: str, password: str) -> bytes:
    return b"AUTH PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode())


def networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word) for word in text.split())


class TestMatching:
    """Pure: which connector a client comes by."""

    def test_all_that_it_names_must_hold(self) -> None:
        both = Connector("both", networks("192.0.2.0/24"), certificate="mx.example", login="app")
        inside, outside = address_of("192.0.2.7"), address_of("198.51.100.7")
        names = frozenset({"mx.example"})
        assert match([both], Shown(inside, names, "app")) is both
        assert match([both], Shown(outside, names, "app")) is None
        assert match([both], Shown(inside, frozenset({"x.mx.example"}), "app")) is None
        assert match([both], Shown(inside, names, "App")) is None
        assert match([both], Shown(None, names, "app")) is None

    def test_what_asks_for_most_wins(self) -> None:
        wide, near = (Connector(n, networks(n)) for n in ("192.0.0.0/8", "192.0.2.0/24"))
        shown = Connector("certificate", certificate="mx.example")
        login = Connector("login", login="app")
        everyone = [wide, near, shown, login]
        address = address_of("::ffff:192.0.2.7")
        assert match(everyone, Shown(address)) is near
        assert match(everyone, Shown(address, frozenset({"mx.example"}))) is shown
        assert match(everyone, Shown(address, frozenset({"mx.example"}), "app")) is login

    def test_sender_domains(self) -> None:
        bounded = Connector("x", login="x", domains=("aldervalley.example", "xn--bro-hoa.example"))
        assert bounded.may_send_as("Maya@AlderValley.example")
        assert bounded.may_send_as("a@büro.example")
        assert bounded.may_send_as("")
        assert not bounded.may_send_as("a@sub.aldervalley.example")
        assert not bounded.may_send_as("a@aldervalley.example.evil.example")
        assert not bounded.may_send_as("nodomain")
        assert Connector("x", login="x").may_send_as("anyone@anywhere.example")


class TestByNetwork:
    def test_the_setting_is_a_connector_of_its_own(self, door: RunningDoor) -> None:
        with Line(door.port) as line:
            assert connector_of(line.mail()) == "networks"

    def test_a_connector_is_used_and_forgotten_without_a_restart(self, nobody: None, door: RunningDoor) -> None:
        with Line(door.port) as line:
            assert line.ask(b"MAIL FROM:<>").startswith("550 5.7.1")
            enrolling.add("office", {"networks": "127.0.0.0/8"})
            assert connector_of(line.mail()) == "office"
            enrolling.remove("office")
            assert line.ask(b"MAIL FROM:<>").startswith("550 5.7.1")

    def test_a_domain_that_is_not_its_own_is_refused(self, nobody: None, door: RunningDoor) -> None:
        enrolling.add("office", {"networks": "127.0.0.0/8", "domains": "harbour.example"})
        with Line(door.port) as line:
            reply = line.ask(f"MAIL FROM:<{FROM}>".encode())
            assert reply.startswith("550 5.7.1 ")
            assert "office" in reply
            assert line.ask(b"RCPT TO:<a@b.example>").startswith("503")
            assert line.ask(b"MAIL FROM:<a@harbour.example>").startswith("250")

    def test_tls_that_it_asks_for(self, nobody: None, tls_door: RunningDoor, authority: Authority) -> None:
        enrolling.add("office", {"networks": "127.0.0.0/8", "tls_required": True})
        with Line(tls_door.port) as line:
            assert line.ask(b"MAIL FROM:<>").startswith("530 5.7.0 ")
            line.start_tls(authority.client())
            assert connector_of(line.mail()) == "office"

    def test_it_has_so_many_sessions_and_no_more(self, nobody: None, door: RunningDoor) -> None:
        enrolling.add("office", {"networks": "127.0.0.0/8", "max_sessions": 1})
        with Line(door.port) as first:
            with Line(door.port, greet=False) as second:
                assert second.greeting.startswith("421 4.3.2")
                assert second.hung_up()
            assert taken(first.mail()) == MAIL
        for _ in range(100):
            with Line(door.port, greet=False) as third:
                if third.greeting.startswith("220"):
                    break
        assert third.greeting.startswith("220")

    def test_it_names_so_many_recipients_an_hour_and_no_more(self, nobody: None, door: RunningDoor) -> None:
        enrolling.add("office", {"networks": "127.0.0.0/8", "max_hourly": 3})
        with Line(door.port) as line:
            line.ask(f"MAIL FROM:<{FROM}>".encode())
            for number in range(3):
                assert line.ask(f"RCPT TO:<a{number}@b.example>".encode()).startswith("250")
            assert line.ask(b"RCPT TO:<more@b.example>").startswith("450 4.7.1 ")
            assert line.ask(b"DATA").startswith("354"), "those that were named get the mail"
            line.send(MAIL + b".\r\n")
            assert line.reply().startswith("250")
            with Line(door.port) as other:
                other.ask(f"MAIL FROM:<{FROM}>".encode())
                assert other.ask(b"RCPT TO:<c@d.example>").startswith("450 4.7.1 "), "another session is no way round"
        assert len(open_spooled(Spooled.objects.get()).envelope.recipients) == 3

    def test_a_database_that_is_away_leaves_the_last_known_list(self, nobody: None, door: RunningDoor) -> None:
        enrolling.add("office", {"networks": "127.0.0.0/8"})
        table = models.Connector._meta.db_table
        with Line(door.port) as line:
            assert connector_of(line.mail()) == "office"
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE {table} RENAME TO away")
            try:
                assert connector_of(line.mail()) == "office"
                with Line(door.port) as new:
                    assert connector_of(new.mail()) == "office"
            finally:
                with connection.cursor() as cursor:
                    cursor.execute(f"ALTER TABLE away RENAME TO {table}")


class TestByCertificate:
    @pytest.fixture(autouse=True)
    def _only_certificates(self, nobody: None, transactional_db: None) -> None:
        enrolling.add("partner", {"certificate": "mx.partner.example"})

    def said(self, port: int, context: ssl.SSLContext) -> str:
        with Line(port) as line:
            line.start_tls(context)
            return line.ask(b"MAIL FROM:<>")

    def test_its_name_lets_in(self, tls_door: RunningDoor, authority: Authority) -> None:
        context = authority.client(file="mx", names=("other.example", "MX.partner.example"))
        with Line(tls_door.port) as line:
            assert line.ask(b"MAIL FROM:<>").startswith("530 5.7.0 Send STARTTLS")
            line.start_tls(context)
            assert connector_of(line.mail()) == "partner"

    def test_other_names_do_not(self, tls_door: RunningDoor, authority: Authority) -> None:
        for names, common in [
            (("x.mx.partner.example",), ""),
            (("*.partner.example",), ""),
            ((), "mx.partner.example"),
            (("mx.partner.example.evil.example",), "mx.partner.example"),
        ]:
            context = authority.client(file="no", names=names, common_name=common)
            assert self.said(tls_door.port, context).startswith("550 5.7.1"), names

    def test_no_certificate_does_not(self, tls_door: RunningDoor, authority: Authority) -> None:
        assert self.said(tls_door.port, authority.client()).startswith("550 5.7.1")

    def test_one_of_a_strange_authority_does_not(
        self, tls_door: RunningDoor, authority: Authority, tmp_path: Path
    ) -> None:
        stranger = Authority(tmp_path, "Someone else")
        context = authority.client()
        context.load_cert_chain(*stranger.issue("mx", "mx.partner.example"))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            self.said(tls_door.port, context)


class TestByLogin:
    @pytest.fixture(autouse=True)
    def _fast_hash(self, settings, nobody: None, transactional_db: None) -> None:  # type: ignore[no-untyped-def]
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        enrolling.add("app", {"login": "app", "domains": "aldervalley.example"})
        enrolling.new_password("app", PASSWORD)

    @pytest.fixture
    def line(self, tls_door: RunningDoor, authority: Authority):  # type: ignore[no-untyped-def]
        with Line(tls_door.port) as line:
            assert "AUTH" not in line.ask(b"EHLO client.example")
            assert "250-AUTH PLAIN LOGIN" in line.start_tls(authority.client())
            yield line

    def test_plain(self, line: Line) -> None:
        assert line.ask(b"MAIL FROM:<>").startswith("530 5.7.0 Log in first")
        assert line.ask(plain("app", PASSWORD)).startswith("235 2.7.0")
        assert line.ask(plain("app", PASSWORD)).startswith("503")
        assert line.ask(b"MAIL FROM:<a@harbour.example>").startswith("550 5.7.1")
        reply = line.mail()
        assert connector_of(reply) == "app"
        found = open_spooled(Spooled.objects.get()).read()
        assert b"with ESMTPSA\r\n" in found
        assert b"127.0.0.1" in found

    def test_plain_in_two_steps_and_login(self, line: Line, tls_door: RunningDoor, authority: Authority) -> None:
        assert line.ask(b"AUTH PLAIN").startswith("334")
        assert line.ask(plain("app", PASSWORD).removeprefix(b"AUTH PLAIN ")).startswith("235")
        with Line(tls_door.port) as other:
            other.start_tls(authority.client())
            assert base64.b64decode(other.ask(b"AUTH LOGIN")[4:]) == b"Username:"
            assert base64.b64decode(other.ask(base64.b64encode(b"app"))[4:]) == b"Password:"
            assert other.ask(base64.b64encode(PASSWORD.encode())).startswith("235")

    def test_in_clear_it_is_refused_before_the_password_is_looked_at(self, tls_door: RunningDoor) -> None:
        with Line(tls_door.port) as line:
            assert line.ask(plain("app", PASSWORD)).startswith("538 5.7.11")
            assert line.ask(b"MAIL FROM:<>").startswith("530 5.7.0")

    @pytest.mark.parametrize(
        ("sent", "reply"),
        [
            (plain("app", PASSWORD + "x"), "535 5.7.8"),
            (plain("nobody", PASSWORD), "535 5.7.8"),
            (plain("", ""), "535 5.7.8"),
            (b"AUTH PLAIN !!!", "501 5.5.2"),
            (b"AUTH PLAIN " + base64.b64encode(b"\xff\0\xff\0\xff"), "501 5.5.2"),
            (b"AUTH PLAIN " + base64.b64encode(b"other\0app\0" + PASSWORD.encode()), "501 5.5.2"),
            (b"AUTH CRAM-MD5", "504 5.5.4"),
            (b"AUTH", "504 5.5.4"),
        ],
    )
    def test_what_is_wrong_is_refused(self, line: Line, sent: bytes, reply: str) -> None:
        assert line.ask(sent).startswith(reply)
        assert line.ask(b"MAIL FROM:<>").startswith("530 5.7.0")

    def test_it_can_be_cancelled(self, line: Line) -> None:
        line.ask(b"AUTH LOGIN")
        assert line.ask(b"*").startswith("501 5.7.0")

    def test_three_failures_end_a_session_and_ten_an_address(
        self, tls_door: RunningDoor, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MAX_PEER_FAILURES", 4)
        context = authority.client()

        def tries(count: int) -> list[str]:
            with Line(tls_door.port) as line:
                line.start_tls(context)
                said = [line.ask(plain("app", f"guess {n}"))[:9] for n in range(count)]
                return [*said, line.reply()[:9]] if count == limits.MAX_LOGIN_FAILURES else said

        assert tries(3) == ["535 5.7.8"] * 3 + ["421 4.7.0"]
        assert tries(2) == ["535 5.7.8", "454 4.7.0"]
        with Line(tls_door.port) as line:
            line.start_tls(context)
            assert line.ask(plain("app", PASSWORD)).startswith("454 4.7.0")

    def test_guesses_of_many_sessions_at_once_count_like_those_of_one(
        self, tls_door: RunningDoor, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MAX_PEER_FAILURES", 4)
        lines = [Line(tls_door.port) for _ in range(8)]
        for line in lines:
            line.start_tls(authority.client())
        for number, line in enumerate(lines):
            line.send(plain("app", f"guess {number}") + b"\r\n")
        assert Counter(line.reply()[:9] for line in lines) == {"535 5.7.8": 4, "454 4.7.0": 4}
        for line in lines:
            line.close()

    def test_right_ones_at_once_are_all_let_in(
        self, tls_door: RunningDoor, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MAX_PEER_FAILURES", 2)
        lines = [Line(tls_door.port) for _ in range(6)]
        for line in lines:
            line.start_tls(authority.client())
            line.send(plain("app", PASSWORD) + b"\r\n")
        assert {line.reply()[:3] for line in lines} == {"235"}
        for line in lines:
            line.close()

    def test_a_login_from_another_network_is_no_login(self, line: Line) -> None:
        enrolling.change("app", {"networks": "192.0.2.0/24"})
        assert line.ask(plain("app", PASSWORD)).startswith("535 5.7.8")

    def test_an_unknown_name_takes_as_long_as_a_known_one(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        from portal.ingest.smtp import login

        asked: list[str] = []
        check: Callable[..., bool] = login.check_password
        monkeypatch.setattr(login, "check_password", lambda given, kept: asked.append(kept) or check(given, kept))
        line.ask(plain("nobody", "x"))
        line.ask(plain("app", "x"))
        # Django's check_password spends a hash on "!" as well (its own documentation of unusable passwords).
        assert asked[0] == "!"
        assert asked[1].startswith("md5$")

    def test_nothing_of_a_login_is_logged(self, line: Line, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        line.ask(plain("app", PASSWORD))
        line.ask(plain("app", "wrong " + PASSWORD))
        assert PASSWORD not in caplog.text
        assert "app" not in caplog.text


class TestCommand:
    def run(self, *arguments: str) -> str:
        out = StringIO()
        call_command("connector", *arguments, stdout=out)
        return out.getvalue()

    def test_a_connector_from_its_making_to_its_end(self, db: None) -> None:
        made = self.run(
            "add", "office", "--networks", "192.0.2.0/24,2001:db8::/32", "--login", "office",
            "--domains", "Büro.example", "--tls", "--certificate", "MX.example",
            "--max-sessions", "20", "--max-hourly", "900",
        )  # fmt: skip
        assert made == (
            "office; networks 192.0.2.0/24 2001:db8::/32; certificate mx.example; login office (no password yet); "
            "sends as xn--bro-hoa.example; TLS only; 20 sessions; 900 recipients an hour\n"
        )
        password = self.run("password", "office").split()[0]
        assert len(password) >= 24
        row = models.Connector.objects.get()
        assert password not in row.password
        self.run("change", "office", "--no-tls", "--networks", "", "--max-sessions", "0", "--max-hourly", "0")
        listed = self.run("list").splitlines()
        assert listed == [
            "networks; networks 127.0.0.0/8 ::1/128",
            "office; certificate mx.example; login office; sends as xn--bro-hoa.example",
        ]
        self.run("remove", "office")
        assert not models.Connector.objects.exists()
        kinds = list(Entry.objects.order_by("id").values_list("kind", flat=True))
        assert kinds == [f"connector.{w}" for w in ("added", "password_set", "changed", "removed")]

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (("add", "x"), "ask for something"),
            (("add", "networks", "--login", "x"), "Choose another"),
            (("add", "a b", "--login", "x"), "Choose another"),
            (("add", "x", "--login", "x", "--max-hourly", "-1"), "whole number"),
            (("add", "x", "--networks", "192.0.2.1/24"), "192.0.2.0/24"),
            (("add", "x", "--login", "a b"), "no spaces"),
            (("add", "x", "--login", "x", "--domains", "no_domain@"), "no domain"),
            (("change", "x", "--login", "x"), "no connector x"),
            (("remove", "x"), "no connector x"),
            (("password", "x"), "no connector x"),
        ],
    )
    def test_what_cannot_be_is_said_with_a_way_out(self, db: None, arguments: tuple[str, ...], named: str) -> None:
        with pytest.raises(CommandError, match=named):
            self.run(*arguments)
        assert not models.Connector.objects.exists()

    def test_two_cannot_have_one_login_or_one_name(self, db: None) -> None:
        self.run("add", "one", "--login", "app")
        for again in (("add", "two", "--login", "app"), ("add", "one", "--login", "other")):
            with pytest.raises(CommandError, match=r"[Cc]hoose another"):
                self.run(*again)
