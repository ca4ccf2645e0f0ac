"""A real Chromium for journeys, and the steps that every journey shares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.mails import JONAS, Mailbox, passcode_in
from tests.parts import program

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
PATIENCE = 60_000
"""Milliseconds that whatever a page shall do may take, beside three other browsers on two slow cores."""
expect.set_options(timeout=PATIENCE)
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
"""A phone's own, for WebAuthn.addVirtualAuthenticator of the DevTools protocol."""


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def someone(browser: Browser, **options: Any) -> BrowserContext:
    """A fresh person at a fresh computer."""
    options.setdefault("viewport", DESKTOP)
    context = browser.new_context(accept_downloads=True, locale="en-GB", **options)
    context.set_default_timeout(PATIENCE)
    return context


def sign_in(page: Page, link: str, mailbox: Mailbox, *, known: int = 0) -> None:
    """From the link in the notice to the open message, by passcode. `known` passcodes came before."""
    page.goto(link)
    page.get_by_role("button", name="Email me a passcode").click()
    code = passcode_in(mailbox.wait("passcode", known + 1))
    page.get_by_label("Passcode", exact=True).fill(code)
    page.get_by_role("button", name="Read message").click()
    expect(page).to_have_url(re.compile(r"/m/[0-9a-z]{22}$"))


def jonas(portal: Any) -> Mailbox:
    return Mailbox(portal.data / "outbox", JONAS)
