"""P4: only a typed passcode opens a message; whatever a scanner fetches, runs or presses, nothing counts as read."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page

from portal.access.budgets import MINUTE
from tests.journeys.browsers import PATIENCE, chromium, someone
from tests.loaded import Loaded
from tests.mails import Mailbox, link_in, mail, send, text_of
from tests.parts import need
from tests.person import Person
from tests.servers import Portal

pytestmark = pytest.mark.servers
SECRET = "the scan shows no new tear"
VISITS, PRESSING = 10, 3
"""How often a scanner comes, and in how many of its visits it presses all that it finds."""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One for all: each test writes to somebody new."""
    settings = {"LETTERLOCK_DEMO": "off", "LETTERLOCK_INSIDE_DOMAINS": "aldervalley.example"}
    with Loaded(tmp_path_factory.mktemp("p4") / "data", **settings) as running:
        yield running


def opened(portal: Portal, id_: str) -> bool:
    """Whether anything says that the message was opened."""
    kinds = {event["kind"] for event in portal.trace(id_)["events"]}
    return bool(kinds & {"message.opened", "file.downloaded", "file.previewed"})


def test_get_and_head_of_every_address_change_nothing(portal: Portal) -> None:
    id_ = send(portal.smtp, mail(text=SECRET, files=[("a.txt", "text/plain", SECRET.encode())]), "ines@mail.example")
    jonas = Mailbox(portal.outbox, "ines@mail.example")
    notice = jonas.wait("notice")
    link = link_in(notice)
    before = portal.trace(id_)
    scanner = Person(portal.url)
    for _ in range(VISITS):
        for method in ("GET", "HEAD", "OPTIONS"):
            content = ("/body", "/file/1", "/files", "/inline/1", "/original", "/reply")
            for path in ("", "/", "/ask/", "/passcode/", *content):
                assert SECRET not in scanner.ask(method, link + path).text
        for url in set(re.findall(r'(?:href|src)="([^"]+)"', scanner.get(link).text)):
            scanner.get(url)
    assert portal.trace(id_) == before
    assert not opened(portal, id_)
    assert jonas.mails("passcode") == []
    assert SECRET in Person(portal.url).sign_in(link, jonas).text
    assert opened(portal, id_)


def press(page: Page, what: str, number: int) -> bool:
    """Click on the so-manieth of these if a person would see it: what is hidden would be waited for in vain."""
    found = page.locator(what).nth(number)
    if not found.is_visible():
        return False
    found.click()
    page.wait_for_load_state()
    return True


@pytest.mark.browser
def test_a_browser_that_runs_scripts_and_presses_every_button_reads_nothing(portal: Portal) -> None:
    need("chromium")
    id_ = send(portal.smtp, mail(text=SECRET), "nils@mail.example")
    jonas = Mailbox(portal.outbox, "nils@mail.example")
    link = link_in(jonas.wait("notice"))
    pressed, began = 0, time.monotonic()
    with chromium() as browser:
        page = someone(browser).new_page()
        page.set_default_timeout(5_000)  # what the last press has hidden is waited for in vain
        page.set_default_navigation_timeout(PATIENCE)
        for visit in range(VISITS):
            page.goto(link)
            assert SECRET not in page.content(), visit
            if visit >= PRESSING:
                continue
            for number in range(page.locator("button, summary, input[type=submit], a").count()):
                try:
                    page.goto(link)
                    pressed += press(page, "button, summary, input[type=submit], a", number)
                    for further in range(min(page.locator("button, input[type=submit]").count(), 6)):
                        press(page, "button, input[type=submit]", further)
                        assert SECRET not in page.content()
                except BrowserError:
                    continue  # gone after the last press
                page.wait_for_load_state()
                assert SECRET not in page.content(), visit
    assert pressed >= 3
    assert not opened(portal, id_)
    assert len(jonas.mails("passcode")) <= 1 + (time.monotonic() - began) // MINUTE.total_seconds()
    assert all(link not in text_of(message) for message in jonas.mails("passcode"))


def test_a_code_works_only_in_the_browser_that_asked(portal: Portal) -> None:
    send(portal.smtp, mail(text=SECRET), "olaf@mail.example")
    jonas = Mailbox(portal.outbox, "olaf@mail.example")
    link = link_in(jonas.wait("notice"))
    asking, other = Person(portal.url), Person(portal.url)
    assert SECRET in asking.sign_in(link, jonas).text
    assert SECRET not in other.get(link).text
    assert other.get(f"{link}/body").status in (404, 200)
    assert SECRET not in other.get(f"{link}/body").text
