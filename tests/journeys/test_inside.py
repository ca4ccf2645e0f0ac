"""In a real browser: an invitation, a message inside, quotes that unfold in the frame, and the rest of a long text."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.browsers import PHONE, chromium, sign_in, someone
from tests.mails import JONAS, Mailbox, link_in, mail, send
from tests.parts import need
from tests.reading.test_inside import ICS, SCRIPT
from tests.servers import Portal

pytestmark = [pytest.mark.browser, pytest.mark.servers]
OLD = "<p>What was written before.</p>" * 40
HTML = f'<p>New words.</p><div class="gmail_quote"><blockquote>{OLD}</blockquote></div>'
LONG = "<p>begins</p>" + f"<p>{'some words ' * 500}</p>" * 220 + "<p>the very end</p>"


def whole() -> bytes:
    made = EmailMessage()
    made["From"], made["To"] = '"Dr Maya Lindqvist" <maya.lindqvist@aldervalley.example>', JONAS
    made["Subject"] = "[secure] All of it"
    made.set_content("New words.")
    made.add_alternative(HTML, subtype="html")
    made.add_attachment(ICS, "text", "calendar", filename="invite.ics")
    made.add_attachment(message_from_bytes(mail(subject="Inner subject", html=SCRIPT)))
    made.add_attachment(message_from_bytes(mail(subject="A long one", html=LONG)))
    return made.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_all_that_a_mail_holds_is_reached_by_hand(tmp_path: Path) -> None:
    need("chromium")
    settings = {"LETTERLOCK_DEMO": "off", "LETTERLOCK_INSIDE_DOMAINS": "aldervalley.example"}
    with Portal(tmp_path / "data", **settings) as portal, chromium() as browser:
        jonas = Mailbox(portal.outbox, JONAS)
        send(portal.smtp, whole(), JONAS)
        page = someone(browser, viewport=PHONE, timezone_id="America/New_York").new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        sign_in(page, link_in(jonas.wait("notice")), jonas)

        card = page.get_by_role("region", name="Talk about")
        expect(card.get_by_text("Tuesday, 24 November 2026, 14:00 to 15:00")).to_be_visible()
        expect(card.get_by_text("This is 24 November 2026, 08:00 in America/New_York.")).to_be_visible()
        frame = page.frame_locator("iframe.body-frame")
        old = frame.get_by_text("What was written before.").last
        expect(frame.get_by_text("New words.")).to_be_visible()
        expect(old).not_to_be_visible()
        before = page.locator("iframe.body-frame").bounding_box()
        frame.get_by_text("Show quoted text").click()
        expect(old).to_be_visible()
        assert before
        page.wait_for_function(
            "(most) => document.querySelector('iframe.body-frame').clientHeight > most", arg=before["height"] + 400
        )

        page.get_by_role("link", name="Inner subject Dr Maya").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Inner subject")
        expect(page.frame_locator("iframe.body-frame").get_by_text("Inner words")).to_be_visible()
        page.get_by_role("link", name="Back to the message").click()

        page.get_by_role("link", name="A long one Dr Maya").click()
        long = page.frame_locator("iframe.body-frame")
        expect(long.get_by_text("the very end")).to_have_count(0)
        long.get_by_role("link", name="Show the rest").click()
        expect(long.get_by_text("the very end")).to_be_attached()
        assert [url for url in asked if not url.startswith(portal.url)] == []
