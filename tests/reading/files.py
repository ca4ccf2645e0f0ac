"""message.html as a recipient has it, and what a browser posts of it."""

from __future__ import annotations

import base64
import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.vault.models import Message, Reader
from tests.mails import JONAS, mail
from tests.seals import HOST, seal

FORM = "application/x-www-form-urlencoded"
ATTACHED = ("X-Letterlock-Protect", "v=1; delivery=attachment")


class Page(HTMLParser):
    """What a page in a file holds that could do anything."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fields: dict[str, str] = {}
        self.forms: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.policy = ""
        self.handlers: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name in ("src", "autofocus", "style")]
        if tag == "form":
            self.forms.append(given)
        if tag == "input":
            assert given["type"] == "hidden"
            self.fields[str(given["name"])] = str(given["value"])
        if tag == "a":
            self.links.append(str(given["href"]))
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = str(given["content"])


@dataclass(frozen=True)
class Received:
    """A notice with its file."""

    mail: EmailMessage
    html: str
    page: Page

    @property
    def sealed(self) -> bytes:
        letters = self.page.fields["e"]
        return base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))

    @property
    def body(self) -> bytes:
        """What a browser posts."""
        return urlencode(self.page.fields).encode()


def travelling(*to: str, text: str = "Good news", **more: Any) -> Message:
    """A sealed message that travels with its notices."""
    more.setdefault("headers", [ATTACHED])
    return seal(mail(text=text, **more), *(to or (JONAS,)))


def received(reader: Reader) -> Received:
    """The notice to a reader, as it would leave now."""
    prepared = letters.prepare(Outbound.objects.get(kind="notice", reader=reader))
    assert prepared is not None
    whole = b"".join(prepared.data)
    assert len(whole) <= prepared.size
    read = email.message_from_bytes(whole, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    (attached,) = read.iter_attachments()
    assert attached.get_filename() == "message.html"
    html = attached.get_payload(decode=True).decode()  # type: ignore[union-attr]
    return Received(read, html, Page(html))


def post(body: bytes, client: Client | None = None, *, kind: str = FORM, **headers: str) -> Any:
    """As from a file on a disk: no cookies and the origin null, unless a browser is given."""
    browser = client or Client(enforce_csrf_checks=True, HTTP_HOST=HOST)
    given = {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "cross-site", **headers}
    return browser.post("/open/", body, content_type=kind, **given)
