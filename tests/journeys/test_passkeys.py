"""A passkey's whole way in a real Chromium on a phone, with Chromium's own virtual authenticator.

The portal answers inside this process, which spares the seconds that a whole one takes to start.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from portal.delivery.models import Outbound
from tests.access.visitors import newest_code
from tests.journeys.browsers import AUTHENTICATOR, PHONE, chromium, someone
from tests.mails import mail
from tests.parts import need
from tests.seals import path_of, reader_of, seal

pytestmark = pytest.mark.browser


def sign_out(page: Page) -> None:
    page.locator("summary", has_text="Account menu").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")


def test_a_passkey_is_offered_added_used_and_removed(origin: str) -> None:
    need("chromium")
    link = origin + path_of(reader_of(seal(mail())))
    with chromium() as browser:
        context = someone(browser, viewport=PHONE)
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        authenticator = {"authenticatorId": made["authenticatorId"]}

        # Never during sign-in; after reading, two equal buttons.
        page.goto(link)
        expect(page.get_by_role("button", name="Email me a passcode")).to_be_visible()
        expect(page.get_by_text("Open the next message faster?")).to_have_count(0)
        page.get_by_role("button", name="Email me a passcode").click()
        page.get_by_label("Passcode", exact=True).fill(newest_code())
        page.get_by_role("button", name="Read message").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your results")
        offer = page.get_by_role("region", name="Open the next message faster?")
        adding, later = (offer.get_by_role("button", name=name) for name in ("Add a passkey", "Not now"))
        sizes = [button.bounding_box() for button in (adding, later)]
        assert sizes[0] and sizes[1] and sizes[0]["width"] == sizes[1]["width"]

        # A person who turns away is told that nothing happened, and stays where they are.
        devtools.send("WebAuthn.setUserVerified", {**authenticator, "isUserVerified": False})
        adding.click()
        expect(offer.get_by_role("status")).to_have_text("No passkey was added. You can try again any time.")
        devtools.send("WebAuthn.setUserVerified", {**authenticator, "isUserVerified": True})
        adding.click()
        expect(page.get_by_text("Your passkey was added.")).to_be_visible()
        assert Outbound.objects.filter(kind="passkey").count() == 1
        (kept,) = devtools.send("WebAuthn.getCredentials", authenticator)["credentials"]
        assert (kept["rpId"], kept["isResidentCredential"]) == ("localhost", True)

        # Out, and in again with the passkey, which is the first button now.
        page.goto(link)
        expect(page.get_by_text("Open the next message faster?")).to_have_count(0)
        sign_out(page)
        page.goto(link)
        page.get_by_role("button", name="Use your passkey").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your results")
        sign_out(page)
        page.goto(f"{origin}/m/")
        page.get_by_role("button", name="Use your passkey").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your messages")

        # Removed, it opens nothing; the passcode does.
        page.goto(f"{origin}/settings/")
        page.get_by_role("button", name="Remove Chrome on Linux").click()
        expect(page.get_by_text("You will use passcodes again.")).to_be_visible()
        sign_out(page)
        page.goto(link)
        page.locator("summary", has_text="More ways to confirm").click()
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_text("This passkey is not known here")).to_be_visible()
        expect(page.get_by_role("button", name="Email me a passcode")).to_be_visible()
