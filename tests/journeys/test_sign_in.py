"""The whole way of a person who signs in with their company's account, at a real provider, without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browsers import PHONE, chromium, jonas, someone
from tests.mails import JONAS, link_in, mail, send
from tests.parts import need
from tests.peers.oidc import CLIENT, SECRET, OidcProvider
from tests.servers import Portal

pytestmark = [pytest.mark.browser, pytest.mark.servers]


def sign_in_there(page: Page, provider: OidcProvider, address: str) -> None:
    """At the provider's own pages: who one is, and that the portal may know the address."""
    page.get_by_role("button", name="Continue with Corp").click()
    expect(page).to_have_url(re.compile(re.escape(provider.url)))
    page.locator("input[name=login]").fill(address)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_a_message_is_read_with_the_company_s_account(portal: Portal) -> None:
    need("chromium")
    with OidcProvider(f"{portal.url}/sign-in/corp/back/") as provider:
        portal.manage(
            "provider", "add", "corp", "--name", "Corp", "--issuer", provider.url, "--client-id", CLIENT,
            "--domains", "mail.example", "--private", stdin=SECRET.encode(),
        )  # fmt: skip
        send(portal.smtp, mail())
        link = link_in(jonas(portal).wait("notice"))
        with chromium() as browser:
            for address in ("karin@mail.example", JONAS):
                page = someone(browser, java_script_enabled=False, viewport=PHONE).new_page()
                page.goto(link)
                sign_in_there(page, provider, address)
                title = page.get_by_role("heading", level=1)
                if address == JONAS:
                    expect(title).to_have_text("Your results")
                    expect(page).to_have_url(link)
                else:
                    expect(title).to_have_text("That is a different address")
                    expect(page.get_by_text("You signed in with Corp as karin@mail.example.")).to_be_visible()
                assert "code=" not in page.url
    assert not jonas(portal).mails("passcode")
