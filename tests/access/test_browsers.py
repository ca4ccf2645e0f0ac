"""A mail scanner that opens every link and presses everything, and the bar before a session is over, in Chromium."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from portal.access import cookies
from portal.access.models import Asked, Challenge, Failed, Session, TrustedBrowser
from portal.audit.models import Entry
from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.vault.models import Message, Reader
from tests.access.visitors import Clock, Visitor, newest_code
from tests.journeys.browsers import DESKTOP, PHONE, chromium, someone
from tests.mails import mail
from tests.seals import HOST, default_brand, path_of, reader_of, seal, signed_in

PICTURES = os.environ.get("SCREEN_PICTURES", "")
ROWS = (Asked, Challenge, Failed, Session, TrustedBrowser, Outbound, Entry, Message)
# Of the sixteen languages one, or the minute in which only one passcode is mailed would pass.
BUTTONS = "button:not([lang]):visible, button[value='en-gb']:visible, input[type=submit]:visible, [role=button]:visible"
HREF = re.compile(r'href="([^"]+)"|(https?://[^\s"<>]+)')


def sent(kind: str) -> EmailMessage:
    """The one mail of a kind that would leave now."""
    row = Outbound.objects.get(kind=kind)
    prepared = letters.prepare(row)
    assert prepared is not None
    return message_from_bytes(b"".join(prepared.data), policy=policy.default)  # type: ignore[return-value]


def links_in(found: EmailMessage) -> set[str]:
    text = "".join(part.get_content() for part in found.walk() if part.get_content_maintype() == "text")
    return {link for pair in HREF.findall(text) for link in pair if link.startswith("http")}


@pytest.fixture
def reader(transactional_db: None) -> Reader:
    default_brand()
    return reader_of(seal(mail(html="<p>no new tear</p>", files=[("a.txt", "text/plain", b"a")])))


def test_looking_fifty_times_at_every_link_of_every_mail_changes_no_row(reader: Reader) -> None:
    default_brand()
    Visitor(default_brand()).ask(reader)
    found = links_in(sent("notice")) | links_in(sent("passcode"))
    assert [urlsplit(link).path for link in found] == [path_of(reader)], "one link, and none in a passcode mail"
    before = [model.objects.count() for model in ROWS]
    client = Client(HTTP_HOST=HOST)
    for _ in range(50):
        for link in found:
            assert client.get(urlsplit(link).path).status_code == 200
            assert client.head(urlsplit(link).path).status_code == 200
    assert [model.objects.count() for model in ROWS] == before
    reader.refresh_from_db()
    assert reader.first_opened_at is None


@pytest.fixture
def page() -> Iterator[Page]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in this thread
    with chromium() as browser:
        context = someone(browser, viewport=PHONE)
        yield context.new_page()
        context.close()


def press_everything(page: Page, start: str) -> tuple[set[str], set[str]]:
    """Go to every page of this site that is reached from `start`, by links and by pressing each thing on each page,
    with scripts on; the pages' paths, and their titles."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(start))
    waiting, seen, titles = [start], set(), set()
    while waiting:
        url = waiting.pop(0).partition("#")[0]
        if url in seen or not url.startswith(origin):
            continue
        seen.add(url)
        buttons = unfolded(page, url)
        waiting += page.eval_on_selector_all("a[href]", "(all) => all.map((a) => a.href)")
        for number in range(buttons):
            if number:
                unfolded(page, url)
            button = page.locator(BUTTONS).nth(number)
            if button.count():  # the page may be another one after what was pressed before
                button.press("Enter")  # with everything unfolded one thing may lie over another
                page.wait_for_load_state()
                titles.add(page.title())
                waiting.append(page.url)
        titles.add(page.title())
    return {urlsplit(url).path for url in seen}, titles


def unfolded(page: Page, url: str) -> int:
    """Open a page, press everything that unfolds, fill everything in; how many buttons there are."""
    page.goto(url)
    for fold in page.locator("summary").all():
        fold.click()
    for field in page.locator("input:visible:not([type=checkbox]), textarea:visible").all():
        field.fill("12345678")
    return page.locator(BUTTONS).count()


@pytest.mark.browser
def test_a_browser_that_presses_everything_causes_one_mail_and_opens_nothing(
    live_server: Any, page: Page, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "LETTERLOCK", replace(settings.LETTERLOCK, demo=False))
    (link,) = links_in(sent("notice"))
    start = live_server.url + urlsplit(link).path
    paths, titles = press_everything(page, start)
    assert {path_of(reader), f"{path_of(reader)}/passcode/", "/help/", "/genuine/", "/m/"} <= paths
    assert Outbound.objects.filter(kind="passcode", reader=reader).count() <= 1
    assert len(Outbound.objects.exclude(kind__in=["notice", "passcode"])) == 0
    reader.refresh_from_db()
    assert reader.first_opened_at is None
    assert not Entry.objects.filter(kind__in=["message.opened", "recipient.confirmed"]).exists()
    assert not Session.objects.exists()
    told = " ".join(titles)
    assert not re.search(r"\d{4}|@|jonas", told), "no title in the history tells a code or an address"
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    clock.forward(minutes=2)
    owner = Visitor(default_brand())
    assert owner.ask(reader).status_code == 303
    assert owner.enter(reader, newest_code()).status_code == 303
    assert "no new tear" in owner.get(f"{path_of(reader)}/body").content.decode()


@pytest.mark.browser
def test_the_bar_warns_two_minutes_before_and_the_button_makes_the_session_last(
    live_server: Any, page: Page, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    token = signed_in(reader).cookies[cookies.SESSION].value
    page.context.add_cookies([{"name": cookies.SESSION, "value": token, "url": live_server.url}])
    page.clock.install(time=clock.moment)
    page.goto(live_server.url + path_of(reader))
    bar = page.locator("[data-session]")

    def forward(minutes: int) -> None:
        clock.forward(minutes=minutes)
        page.clock.fast_forward(60_000 * minutes)

    forward(27)
    expect(bar).to_be_hidden()
    forward(1)
    expect(bar).to_be_visible()
    said = "You will be signed out at {} because nothing has happened for a while."
    over = page.evaluate("(at) => new Date(at).toTimeString().slice(0, 5)", 1000 * (clock.moment.timestamp() + 120))
    expect(bar).to_contain_text(said.format(over))
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/soon-390.png")
        page.set_viewport_size(DESKTOP)
        page.screenshot(path=f"{PICTURES}/soon-1280.png")
    page.get_by_role("button", name="Stay signed in").click()
    expect(bar).to_be_hidden()
    forward(27)
    expect(bar).to_be_hidden()
    another_tab(token).post("/session/")
    with page.expect_response("**/session/") as asked:
        forward(1)
    asked.value.finished()
    page.evaluate("() => new Promise((done) => queueMicrotask(done))")
    expect(bar).to_be_hidden()  # another tab was used meanwhile
    forward(28)
    expect(bar).to_be_visible()
    forward(3)
    expect(bar).to_contain_text("You were signed out because nothing happened for 30 minutes.")
    expect(page.get_by_role("button", name="Stay signed in")).to_be_hidden()
    bar.get_by_role("link", name="Continue").click()
    expect(page.get_by_role("button", name="Email me a passcode")).to_be_visible()


def another_tab(token: str) -> Visitor:
    """Another tab of the same browser."""
    visitor = Visitor(default_brand())
    visitor.client.cookies[cookies.SESSION] = token
    return visitor
