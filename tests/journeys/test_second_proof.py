"""A message that takes more than a passcode, in a real browser on a phone without scripts: a phrase, then an app."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from django_otp.oath import totp
from playwright.sync_api import expect

from tests.journeys.browsers import PHONE, chromium, jonas, sign_in, someone
from tests.mails import link_in, mail, send
from tests.parts import need
from tests.promises.test_p2_no_plaintext_at_rest import files_in
from tests.servers import Portal

pytestmark = [pytest.mark.browser, pytest.mark.servers]
PHRASE = "BlueCanoeOfAuntVera"
SECRET = "Good news: the scan shows no new tear."


def asking(asked: str, subject: str) -> bytes:
    return mail(subject, SECRET, headers=[("X-Letterlock-Protect", f"v=1; {asked}")])


def test_a_phrase_opens_the_first_message_and_an_app_the_next(portal: Portal) -> None:
    need("chromium")
    send(portal.smtp, asking(f'phrase="{PHRASE}"; hint="What we rowed in"', "First"))
    with chromium() as browser:
        page = someone(browser, java_script_enabled=False, viewport=PHONE).new_page()
        sign_in(page, link_in(jonas(portal).wait("notice")), jonas(portal))
        expect(page.get_by_role("heading", level=1)).to_have_text("Confirm in one more way")
        expect(page.get_by_text("What we rowed in")).to_be_visible()
        page.get_by_label("Agreed phrase").fill("green canoe")
        page.get_by_role("button", name="Read message").click()
        expect(page.get_by_text("You have 4 tries left").first).to_be_visible()
        page.get_by_label("Agreed phrase").fill(f"{PHRASE.lower()} ")
        page.get_by_role("button", name="Read message").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("First")
        expect(page.get_by_text(SECRET)).to_be_visible()

        page.goto(f"{portal.url}/settings/")
        page.get_by_role("button", name="Set up an authenticator app").click()
        key = base64.b32decode(page.locator(".qr__key").inner_text().replace(" ", ""))
        picture = page.request.get(f"{portal.url}{page.locator('.qr').get_attribute('src')}")
        assert picture.headers["content-type"] == "image/svg+xml"
        page.get_by_label("Code from the app").fill(f"{totp(key):06d}")
        page.get_by_role("button", name="Use this app").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
        code = page.locator(".codes li").first.inner_text()

        second = send(portal.smtp, asking("level=3", "Second"))
        page.goto(link_in(jonas(portal).wait("notice", 2)))
        page.get_by_label("Code from your authenticator app").fill(f"{totp(key, drift=1):06d}")
        page.get_by_role("button", name="Read message").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Second")
        page.goto(f"{portal.url}/settings/")
        page.locator("summary", has_text="Remove it").click()
        page.get_by_label("Code from the app").fill(code)
        page.get_by_role("button", name="Remove the app").click()
        page.goto(link_in(jonas(portal).wait("notice", 2)))
        expect(page.get_by_role("heading", level=1)).to_have_text("Confirm in one more way")
    stored = b"".join(content for _, content in files_in(portal.data))
    assert UUID(second).bytes in stored or UUID(second).hex.encode() in stored
    assert PHRASE.encode() not in stored
