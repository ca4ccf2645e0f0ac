"""A passkey's whole way in a real Chromium on a phone, with Chromium's own virtual authenticator."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browsers import PHONE, chromium, jonas, sign_in, someone
from tests.mails import link_in, mail, send
from tests.parts import need
from tests.servers import Portal

pytestmark = [pytest.mark.browser, pytest.mark.servers]
ON_A_PHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def sign_out(page: Page, portal: Portal) -> None:
    page.locator("summary", has_text="Account menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")


def test_a_passkey_is_offered_added_used_and_removed(portal: Portal) -> None:
    need("chromium")
    send(portal.smtp, mail())
    link = link_in(jonas(portal).wait("notice"))
    with chromium() as browser:
        context = someone(browser, viewport=PHONE)
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": ON_A_PHONE})
        authenticator = {"authenticatorId": made["authenticatorId"]}

        # Never during sign-in; after reading, two equal buttons.
        page.goto(link)
        expect(page.get_by_role("button", name="Email me a passcode")).to_be_visible()
        expect(page.get_by_text("Open the next message faster?")).to_have_count(0)
        sign_in(page, link, jonas(portal))
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
        told = jonas(portal).wait("alert")
        assert told["Subject"].startswith("A passkey was added")
        (kept,) = devtools.send("WebAuthn.getCredentials", authenticator)["credentials"]
        assert (kept["rpId"], kept["isResidentCredential"]) == ("localhost", True)

        # Out, and in again with the passkey, which is the first button now.
        page.goto(link)
        expect(page.get_by_text("Open the next message faster?")).to_have_count(0)
        sign_out(page, portal)
        page.goto(link)
        page.get_by_role("button", name="Use your passkey").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your results")
        sign_out(page, portal)
        page.goto(f"{portal.url}/m/")
        page.get_by_role("button", name="Use your passkey").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your messages")

        # Removed, it opens nothing; the passcode does.
        page.goto(f"{portal.url}/settings/")
        page.get_by_role("button", name="Remove Passkey 1").click()
        expect(page.get_by_text("You will use passcodes again.")).to_be_visible()
        sign_out(page, portal)
        page.goto(link)
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_text("This passkey is not known here")).to_be_visible()
        expect(page.get_by_role("button", name="Email me a passcode")).to_be_visible()
