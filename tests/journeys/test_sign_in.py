"""Whole ways of people who sign in with their company's account, at a real provider: recipients, an administrator, a
sender. All meet the same redirect URI, and each ends where they began."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browsers import DESKTOP, PHONE, chromium, jonas, someone
from tests.mails import JONAS, MAYA, link_in, mail, send
from tests.parts import need
from tests.peers.oidc import CLIENT, SECRET, OidcProvider
from tests.servers import Portal

pytestmark = [pytest.mark.browser, pytest.mark.servers]
SAID = "Good news: the scan shows no new tear."


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One for all, with the company's provider for everyone."""
    settings = {"LETTERLOCK_DEMO": "off", "LETTERLOCK_INSIDE_DOMAINS": "aldervalley.example"}
    with (
        Portal(tmp_path_factory.mktemp("sign-in") / "data", **settings) as running,
        OidcProvider(f"{running.url}/sign-in/corp/back/") as provider,
    ):
        running.manage(
            "provider", "add", "corp", "--name", "Corp", "--issuer", provider.url, "--client-id", CLIENT,
            "--domains", "mail.example,aldervalley.example", "--for", "recipients,office,senders", "--private",
            stdin=SECRET.encode(),
        )  # fmt: skip
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need("chromium")
    with chromium() as running:
        yield running


def sign_in_there(page: Page, portal: Portal, address: str, button: str = "Continue with Corp") -> None:
    """At the provider's own pages: who one is, and that the portal may know the address."""
    page.get_by_role("button", name=button).click()
    expect(page).not_to_have_url(re.compile(re.escape(portal.url)))
    page.locator("input[name=login]").fill(address)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(re.compile(re.escape(portal.url)))
    assert "code=" not in page.url


def test_a_message_is_read_with_the_company_s_account(portal: Portal, browser: Browser) -> None:
    send(portal.smtp, mail())
    link = link_in(jonas(portal).wait("notice"))
    for address in ("karin@mail.example", JONAS):
        page = someone(browser, java_script_enabled=False, viewport=PHONE).new_page()
        page.goto(link)
        sign_in_there(page, portal, address)
        title = page.get_by_role("heading", level=1)
        if address == JONAS:
            expect(title).to_have_text("Your results")
            expect(page).to_have_url(link)
        else:
            expect(title).to_have_text("That is a different address")
            expect(page.get_by_text("You signed in with Corp as karin@mail.example.")).to_be_visible()
    assert not jonas(portal).mails("passcode")


def test_the_code_of_a_split_message_comes_along_even_by_way_of_a_wrong_account(
    portal: Portal, browser: Browser
) -> None:
    known = len(jonas(portal).mails("notice"))
    send(portal.smtp, mail("Split", SAID, headers=[("X-Letterlock-Protect", "v=1; split=strict")]))
    notice = jonas(portal).wait("notice", known + 1)
    link = re.search(r"https?://\S+/m/[0-9a-z]{22}#[0-9a-z]{26}", str(notice.get_body(("plain",))))
    assert link
    page = someone(browser, viewport=PHONE).new_page()
    page.goto(link[0])
    sign_in_there(page, portal, "karin@mail.example")
    expect(page.get_by_role("heading", level=1)).to_have_text("That is a different address")
    sign_in_there(page, portal, JONAS, "Use another Corp account")
    expect(page.get_by_role("heading", level=1)).to_have_text("Split")
    expect(page.get_by_text(SAID)).to_be_visible()


def test_an_administrator_is_let_in_by_their_role_and_nobody_else(portal: Portal, browser: Browser) -> None:
    portal.manage("administrator", "ebba@aldervalley.example", "--role", "support")
    for address, heading in ((MAYA, "Administrator’s entry"), ("ebba@aldervalley.example", "Overview")):
        page = someone(browser, viewport=DESKTOP).new_page()
        page.goto(f"{portal.url}/admin/")
        sign_in_there(page, portal, address)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    page.goto(f"{portal.url}/admin/people/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not part of your role")


def test_a_sender_sees_what_they_sent_and_nothing_else(portal: Portal, browser: Browser) -> None:
    known = len(jonas(portal).mails("notice"))
    send(portal.smtp, mail("[secure] From Maya", SAID))
    link = link_in(jonas(portal).wait("notice", known + 1))
    for address, said in (("eve@mail.example", "That is not an address of"), (MAYA, "Mail scanners are not counted.")):
        page = someone(browser, java_script_enabled=False, viewport=PHONE).new_page()
        page.goto(f"{portal.url}/sent/")
        sign_in_there(page, portal, address)
        expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="From Maya").first).to_contain_text(f"{JONAS} · not opened")
    assert SAID not in page.content()
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Read your message")
    page.goto(f"{portal.url}/sent/")
    page.locator("summary", has_text="Account menu").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="the page of the messages you sent").click()
    expect(page.get_by_role("button", name="Continue with Corp")).to_be_visible()


def test_a_sender_withdraws_undoes_and_dates_anew_while_the_recipient_reads(portal: Portal, browser: Browser) -> None:
    known = len(jonas(portal).mails("notice"))
    send(portal.smtp, mail("[secure] Sent too soon", SAID))
    link = link_in(jonas(portal).wait("notice", known + 1))
    reading = someone(browser, viewport=PHONE).new_page()
    reading.goto(link)
    sign_in_there(reading, portal, JONAS)
    expect(reading.get_by_text(SAID)).to_be_visible()

    page = someone(browser, java_script_enabled=False, viewport=PHONE).new_page()
    page.goto(f"{portal.url}/sent/")
    sign_in_there(page, portal, MAYA)
    page.get_by_role("link", name="Sent too soon").first.click()
    expect(page.get_by_text("confirmed with Corp")).to_be_visible()
    page.get_by_role("link", name="Withdraw").first.click()
    expect(page.get_by_text(f"{JONAS} has opened it.")).to_be_visible()
    page.get_by_label("Reason").select_option("wrong_content")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("You can undo that until")).to_be_visible()
    one = page.url
    reading.reload()
    expect(reading.get_by_role("heading", level=1)).to_contain_text("has withdrawn this message")

    page.get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="Change date").click()
    page.get_by_label("Last day").fill(f"{datetime.now(UTC).date() + timedelta(days=60)}")
    page.get_by_role("button", name="Change date").click()
    expect(page).to_have_url(one)
    reading.reload()
    expect(reading.get_by_text(SAID)).to_be_visible()

    again = someone(browser, java_script_enabled=False, viewport=PHONE).new_page()
    again.goto(one)
    sign_in_there(again, portal, MAYA)
    expect(again).to_have_url(one)
