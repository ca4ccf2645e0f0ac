"""`manage.py doctor --mail` through an organisation's mail server: the way is proved, and a missing hop is named."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers import Portal, free_port

pytestmark = pytest.mark.servers


class MailServer:
    """Takes all mail and hands it to the door, while `routes`: the notice it relays, and the mail it is given."""

    def __init__(self) -> None:
        self.door = ("127.0.0.1", 0)
        self.routes = True
        self.answer = "250 2.0.0 taken"
        self.seen: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.seen.append("notice" if b"X-Letterlock: notice" in content else "mail")
        if self.routes and self.answer.startswith("250"):
            with smtplib.SMTP(*self.door, timeout=120) as smtp:
                smtp.sendmail(envelope.mail_from or "", envelope.rcpt_tos, content)
        return self.answer


class Way:
    """A portal between a mail server and itself."""

    def __init__(self, portal: Portal, server: MailServer, port: int) -> None:
        self.portal, self.server, self.port = portal, server, port

    def doctor(self, *arguments: str) -> tuple[int, str]:
        done = self.portal.manage("doctor", "--mail", *arguments, check=False)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def _way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    server, port = MailServer(), free_port()
    controller = Controller(server, "127.0.0.1", port, server_hostname="mail.example")
    controller.start()
    try:
        with Portal(
            tmp_path_factory.mktemp("way") / "data",
            LETTERLOCK_DEMO="off",
            LETTERLOCK_RELAY_URL=f"smtp://127.0.0.1:{port}",
        ) as portal:
            server.door = portal.smtp
            yield Way(portal, server, port)
    finally:
        controller.stop()


@pytest.fixture
def way(_way: Way) -> Way:
    _way.server.routes, _way.server.answer, _way.server.seen = True, "250 2.0.0 taken", []
    return _way


def test_the_whole_way_through_the_mail_server_and_back(way: Way) -> None:
    status, said = way.doctor("--via", f"127.0.0.1:{way.port}")
    assert status == 0, said
    assert "came back through the relay" in said
    assert way.server.seen == ["mail", "notice"]


def test_a_notice_that_does_not_come_back_is_named_with_its_fix(way: Way) -> None:
    way.server.routes = False
    status, said = way.doctor("--wait", "12")
    assert status == 1
    assert "notice  received: The relay took the notice, and it did not come back" in said
    assert f"route mail for localhost to the door at 127.0.0.1:{way.portal.smtp_port}" in said


def test_a_mail_server_that_hands_nothing_over_is_named(way: Way) -> None:
    way.server.routes = False
    status, said = way.doctor("--via", f"127.0.0.1:{way.port}", "--wait", "1")
    assert status == 2
    assert "WRONG   handed over" in said


def test_a_relay_that_refuses_is_named(way: Way) -> None:
    way.server.answer = "550 5.7.1 no"
    status, said = way.doctor("--wait", "120")
    assert status == 2
    assert "WRONG   notice sent: It was not taken by the relay: 550 5.7.1" in said


def test_somebody_elses_mailbox_is_not_called_received(way: Way) -> None:
    way.server.routes = False
    status, said = way.doctor("pat@elsewhere.example")
    assert status == 1
    assert "Could not be checked: the mailbox is not ours" in said


def test_a_door_that_is_away_is_the_missing_hop(way: Way) -> None:
    status, said = way.doctor("--via", f"127.0.0.1:{free_port()}")
    assert status == 2
    assert "WRONG   handed in" in said
