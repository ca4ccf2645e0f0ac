"""Letterlock behind a real Postfix, set up with the lines of the README: protected mail comes back as a notice."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator
from pathlib import Path

import dkim
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.mails import JONAS, MAYA, link_in, mail, send, until
from tests.peers.world import World
from tests.person import Person
from tests.postfix import Postfix
from tests.servers import Portal

pytestmark = pytest.mark.servers
GONE = "nobody@mail.example"
SECRET = "the scan shows no new tear"


class Outside(World):
    """Takes mail for everyone but one."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: object
    ) -> str:
        if address == GONE:
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"


@pytest.fixture
def outside() -> Iterator[Outside]:
    with Outside() as servers:
        yield servers


def test_protected_mail_leaves_as_a_notice_and_the_rest_passes(outside: Outside, tmp_path: Path) -> None:
    portal = Portal(tmp_path / "data")
    postfix = Postfix(tmp_path, letterlock_port=portal.smtp_port, relay_port=outside.port)
    portal.environment["LETTERLOCK_RELAY_URL"] = f"smtp://127.0.0.1:{postfix.back_port}"
    portal.environment["LETTERLOCK_INSIDE_DOMAINS"] = "aldervalley.example"
    portal.environment["LETTERLOCK_BOUNCE_DOMAIN"] = "bounce.example.org"
    with portal, postfix:
        portal.manage("dkim", "make", "--domain", "localhost", "--selector", "s1")
        portal.manage("dkim", "on", "--domain", "localhost", "--unchecked")
        record = "".join(re.findall(r'"([^"]*)"', portal.manage("dkim", "show", "--domain", "localhost").stdout))
        send(("127.0.0.1", postfix.port), mail("Lunch", "Shall we have lunch?"))
        until(lambda: outside.find(JONAS, ""), 30, "ordinary mail")
        assert "lunch" in outside.find(JONAS, "")[0].as_string()

        send(("127.0.0.1", postfix.port), mail("[secure] Your results", SECRET))
        until(lambda: outside.find(JONAS, "notice"), 40, "notice")
        (notice,) = outside.find(JONAS, "notice")
        person, link = Person(portal.url), link_in(notice)

        person.post(f"{link}/ask/", page=link)
        until(lambda: outside.find(JONAS, "passcode"), 30, "passcode")
        from tests.mails import passcode_in

        (signed,) = [raw for to, m, raw in outside.taken if to == JONAS and m.get("X-Letterlock") == "passcode"]
        assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: record.encode())
        assert not dkim.verify(
            signed.replace(b"passcode", b"password"), dnsfunc=lambda name, timeout=5: record.encode()
        )

        page = person.post(f"{link}/passcode/", {"code": passcode_in(outside.find(JONAS, "passcode")[0])})
        assert SECRET in page.text
        person.post(f"{link}/reply", {"subject": "Re: Your results", "message": "Thank you for the news."})
        until(lambda: outside.find(MAYA, "reply"), 30, "answer")
        assert "Thank you for the news." in outside.find(MAYA, "reply")[0].as_string()

        for stray in ("someone", "messages", "bounce+" + "a" * 54, "bounce+" + "1" * 55):
            with pytest.raises(smtplib.SMTPDataError, match="no valid recipients"):
                send(("127.0.0.1", postfix.port), mail("Stray", "x"), f"{stray}@bounce.example.org")

        send(("127.0.0.1", postfix.port), mail("[secure] Your results", SECRET), GONE)
        until(lambda: outside.find(MAYA, "undelivered"), 40, "word that it did not arrive")
        text = " ".join(outside.find(MAYA, "undelivered")[0].as_string().split())
        assert f"did not reach {GONE}. The address does not exist." in text

    assert not [to for to, _, raw in outside.taken if SECRET.encode() in raw]
