"""The way in by message.html (M2) in a real browser: from the file on its disk to the text, without scripts."""

from __future__ import annotations

import base64
import http.client
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.journeys.browsers import PHONE, chromium, jonas, someone
from tests.mails import link_in, mail, passcode_in, send
from tests.parts import need
from tests.servers import Portal

pytestmark = [pytest.mark.browser, pytest.mark.servers]
LARGEST = 19_611_648
"""Bytes of a parcel at most (docs/sealed-format.md)."""


def file_of(notice: EmailMessage) -> bytes:
    (attached,) = notice.iter_attachments()
    assert attached.get_filename() == "message.html"
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def post(portal: Portal, body: bytes) -> tuple[int, str, bytes]:
    """As from a file: no cookie, and the origin null."""
    where = urlsplit(portal.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}
        connection.request("POST", "/open/", body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location", ""), answer.read()
    finally:
        connection.close()


def test_a_message_is_read_from_the_file_in_its_mail(portal: Portal, tmp_path: Path) -> None:
    need("chromium")
    wish = [("X-Letterlock-Protect", "v=1; delivery=attachment")]
    send(portal.smtp, mail(text="Good news from the file.", headers=wish))
    notice = jonas(portal).wait("notice")
    file = tmp_path / "message.html"
    file.write_bytes(file_of(notice))
    link = link_in(notice).rpartition("/")[2]
    with chromium() as browser:
        page = someone(browser, viewport=PHONE, java_script_enabled=False).new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        assert asked == [file.as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.get_by_role("button", name="Open message").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Read your message")
        handle = urlsplit(page.url).path
        assert handle.startswith("/m/") and link not in handle
        page.get_by_role("button", name="Email me a passcode").click()
        page.get_by_label("Passcode", exact=True).fill(passcode_in(jonas(portal).wait("passcode")))
        page.get_by_role("button", name="Read message").click()
        expect(page.get_by_text("Good news from the file.")).to_be_visible()
        assert urlsplit(page.url).path == handle
        # The browser is known now: the file leads straight to the message, at a new address.
        page.goto(file.as_uri())
        page.get_by_role("button", name="Open message").click()
        expect(page.get_by_text("Good news from the file.")).to_be_visible()
        assert urlsplit(page.url).path not in (handle, f"/m/{link}")

    # As much as may be posted, and more.
    start = b"v=1&m=" + link.encode() + b"&e="
    message_id = base64.urlsafe_b64decode(file.read_bytes().partition(b'name="e" value="')[2][:32])[4:20]
    head = b"LLA1" + message_id + b"\0\1\6part/1"
    head += (LARGEST - len(head) - 8).to_bytes(8, "big")
    letters = base64.urlsafe_b64encode(head + bytes(LARGEST - len(head)))
    status, location, _ = post(portal, start + letters)
    assert (status, location[:3]) == (303, "/m/")
    for junk in (start + letters + b"AAAA" * 300_000, start + b"-" * 5000, b""):
        status, _, page_ = post(portal, junk)
        assert (status, b"Enter the email address this message was sent to" in page_) == (404, True)
