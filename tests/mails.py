"""Mails for tests, and the outbox read as a person would read their mailbox."""

from __future__ import annotations

import email
import email.policy
import re
import smtplib
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from pathlib import Path

from tests.secrecy import hear_mail
from tests.servers import wait_for

MAYA = "maya.lindqvist@aldervalley.example"
JONAS = "jonas.berg@mail.example"
KARIN = "karin.berg@post.example"
LINK = re.compile(r"https?://\S+/m/([0-9a-z]{22})\b")
PASSCODE = re.compile(r"^\s*(\d{8})\s*$", re.MULTILINE)


def mail(
    subject: str = "[secure] Your results",
    text: str = "Good news: the scan shows no new tear.",
    *,
    html: str = "",
    files: Sequence[tuple[str, str, bytes]] = (),
    sender: str = f'"Dr Maya Lindqvist" <{MAYA}>',
    to: str = f'"Jonas Berg" <{JONAS}>',
    headers: Sequence[tuple[str, str]] = (),
) -> bytes:
    """An RFC 5322 mail as a mail program would send it; files are (name, content type, bytes)."""
    made = EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"], made["Subject"] = sender, to, subject
    made["Date"] = email.utils.localtime()
    made["Message-ID"] = email.utils.make_msgid(domain="aldervalley.example")
    for name, value in headers:
        made[name] = value
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    for name, content_type, data in files:
        main, _, sub = content_type.partition("/")
        made.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return made.as_bytes()


def send(address: tuple[str, int], raw: bytes, *to: str, sender: str = MAYA) -> str:
    """Hand a mail to the door by SMTP; returns the id of its 250 answer."""
    with smtplib.SMTP(*address, timeout=120) as smtp:
        smtp.ehlo("mail.aldervalley.example")
        smtp.mail(sender)
        for recipient in to or (JONAS,):
            smtp.rcpt(recipient)
        code, answer = smtp.data(raw)
    assert code == 250, answer
    return answer.decode().rsplit(" ", 1)[-1]


class Mailbox:
    """Mail in the outbox for one address, oldest first."""

    def __init__(self, outbox: Path, address: str) -> None:
        self._outbox, self._address = outbox, address

    def mails(self, kind: str | None = None) -> list[EmailMessage]:
        """All mail there is now; `kind` is the value of X-Letterlock, and "" means mail without that header."""
        found = []
        for folder in ("new", "cur"):
            for path in sorted((self._outbox / folder).glob("*"), key=lambda path: path.stat().st_mtime_ns):
                read = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                if read["Delivered-To"] == self._address and kind in (None, read.get("X-Letterlock", "")):
                    found.append(read)
        return found

    def wait(self, kind: str, count: int = 1, seconds: float = 30) -> EmailMessage:
        """The newest mail of a kind, once there are `count`."""
        until(lambda: len(self.mails(kind)) >= count, seconds, f"{count} mail of kind {kind!r} for {self._address}")
        return self.mails(kind)[-1]


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    hear_mail(str(body.get_content()))
    return str(body.get_content())


def link_in(notice: EmailMessage) -> str:
    """The one link of a notice."""
    links = re.findall(r"https?://\S+", text_of(notice))
    assert len(links) == 1, f"{len(links)} links in the text part"
    assert LINK.fullmatch(links[0])
    return str(links[0])


def passcode_in(message: EmailMessage) -> str:
    found = PASSCODE.findall(text_of(message))
    assert len(found) == 1
    return str(found[0])


def until(true: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for something to become true; AssertionError naming it when it does not in time."""
    wait_for(true, seconds, f"There is still no {what}")
