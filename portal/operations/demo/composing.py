"""Mails as the organisation's own mail programs would send them, and their way through the real door."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from uuid import UUID

from django.conf import settings

from portal.mime.addresses import Mailbox
from portal.operations.errors import OperationsError
from portal.operations.health import reachable

SECONDS = 30
_QUEUED = re.compile(rb"queued as ([0-9a-fA-F-]{36})")


class DoorAway(OperationsError):
    """Nobody answers at the SMTP door."""

    def __init__(self) -> None:
        super().__init__(f"The SMTP door does not answer on {settings.LETTERLOCK.smtp}. Start it: manage.py up.")


class DoorRefused(OperationsError):
    """The door did not take a mail; `answer` is what it said."""

    def __init__(self, code: int, answer: bytes) -> None:
        self.answer = f"{code} {answer.decode('utf-8', 'replace')}"[:300]
        super().__init__("The SMTP door did not take a mail of the demo. See its log.")


@dataclass(frozen=True, repr=False)
class Enclosed:
    """A file to go with a mail."""

    name: str
    content_type: str
    data: bytes


def compose(
    sender: Mailbox, to: Sequence[Mailbox], subject: str, text: str, *, date: datetime, message_id: str, html: str = ""
) -> EmailMessage:
    """A mail of text, and HTML if given. ValueError when an address or a line cannot stand in a header."""
    mail = EmailMessage(policy.SMTP)
    mail["From"] = _header(sender)
    mail["To"] = [_header(box) for box in to]
    mail["Subject"] = " ".join(subject.split())
    mail["Date"] = format_datetime(date)
    mail["Message-ID"] = message_id
    mail.set_content(text + "\n", cte="quoted-printable")
    if html:
        mail.add_alternative(html, subtype="html", cte="quoted-printable")
    return mail


def enclose(mail: EmailMessage, file: Enclosed) -> None:
    """Add a file."""
    kind, _, subtype = file.content_type.partition("/")
    if kind not in ("application", "audio", "font", "image", "text", "video") or not subtype:
        # A type that a browser made up, or a mail inside the mail, which would have to be taken apart first.
        kind, subtype = "application", "octet-stream"
    mail.add_attachment(file.data, maintype=kind, subtype=subtype, filename=file.name)


def as_html(paragraphs: Sequence[str], *, rtl: bool = False, above: str = "") -> str:
    """The HTML that a mail program makes of a letter; `above` is markup to stand on top."""
    shown = "".join(f"<p>{escape(text).replace(chr(10), '<br>')}</p>" for text in paragraphs)
    direction = ' dir="rtl"' if rtl else ""
    return f'<!doctype html><html><body{direction} style="font-family: sans-serif">{above}{shown}</body></html>'


def hand_in(mail: EmailMessage, sender: str, recipients: Sequence[str]) -> UUID:
    """Give a mail to the SMTP door, as the organisation's mail server does; returns the id of its 250 answer.

    Raises:
        DoorAway, DoorRefused.
    """
    address = settings.LETTERLOCK.smtp
    try:
        with smtplib.SMTP(reachable(address.host), address.port, timeout=SECONDS) as door:
            door.ehlo("demo.localhost")
            _expect(door.mail(sender, ["BODY=8BITMIME"]), 250)
            for recipient in recipients:
                _expect(door.rcpt(recipient), 250)
            code, answer = door.data(mail.as_bytes())
    except (OSError, smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError):
        raise DoorAway from None
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error
        raise DoorRefused(error.smtp_code, said if isinstance(said, bytes) else said.encode()) from None
    _expect((code, answer), 250)
    queued = _QUEUED.search(answer)
    if queued is None:
        raise DoorRefused(code, answer)
    return UUID(queued[1].decode())


def _expect(answer: tuple[int, bytes], code: int) -> None:
    if answer[0] != code:
        raise DoorRefused(*answer)


def _header(box: Mailbox) -> Address:
    try:
        return Address(box.name, addr_spec=box.address)
    except Exception:  # its parser raises errors of many kinds, IndexError among them
        raise ValueError("the address is not one") from None
