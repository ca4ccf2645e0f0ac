"""The demo as a newcomer meets it: a whole portal, loaded through its own door, walked through in Chromium."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browsers import DESKTOP, PHONE, chromium, someone
from tests.mails import JONAS, KARIN, MAYA, Mailbox, link_in, passcode_in, text_of
from tests.parts import BROWSER_PACKAGES, need
from tests.servers import Portal, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.servers]
MESSAGES = 12
RUN_AXE = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], iframes: false });
  return found.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html).join(" "));
}"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with Portal(tmp_path_factory.mktemp("demo") / "data") as portal:
        try:
            wait_for(lambda: (portal.data / "demo.loaded").exists(), 120, "the demo was not loaded")
        except AssertionError as error:
            raise AssertionError(f"{error}: {portal.seen()} {portal.log('demo')} {portal.log('worker-mail')}") from None
        yield portal


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need("chromium")
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, demo: Portal) -> Iterator[Page]:
    context = someone(browser, viewport=DESKTOP, base_url=demo.url)
    yield context.new_page()
    context.close()


def figures(demo: Portal, *query: str) -> list[str]:
    """What a query of the demo's own database says, one line a row."""
    with sqlite3.connect(f"file:{demo.data / 'letterlock.sqlite3'}?mode=ro", uri=True, timeout=60) as database:
        return ["|".join(map(str, row)) for row in database.execute(" ".join(query))]


def id_of(stored: str) -> UUID:
    """An id as SQLite stores it, as pages write it."""
    return UUID(stored)


def test_every_message_went_through_the_door_and_is_sealed(demo: Portal) -> None:
    assert figures(demo, "SELECT count(*), count(DISTINCT state), min(state) FROM ingest_spooled") == [
        f"{MESSAGES}|1|done"
    ]
    assert figures(demo, "SELECT count(*) FROM vault_message") == [str(MESSAGES)]
    assert figures(demo, "SELECT kind, state, count(*) FROM delivery_outbound GROUP BY 1, 2") == [
        "notice|sent|13",
        "reply|sent|2",
    ]


def test_loading_takes_less_than_20_seconds(demo: Portal) -> None:
    began = "SELECT (julianday(max(sent_at)) - julianday((SELECT min(received_at) FROM ingest_spooled))) * 86400"
    took = float(figures(demo, began, "FROM delivery_outbound")[0])
    # Of a machine that is not doing other things as well: two test runs at once take twice as long.
    assert took < 20 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_a_second_load_does_nothing(demo: Portal) -> None:
    rows = (
        "SELECT (SELECT count(*) FROM audit_entry), (SELECT count(*) FROM ingest_spooled), "
        "(SELECT count(*) FROM branding_brand), (SELECT count(*) FROM access_person)"
    )
    before = figures(demo, rows), figures(demo, "SELECT id, state, open_until FROM vault_message ORDER BY id")
    assert demo.manage("demo", "load").stdout.strip() == "Nothing to load."
    after = figures(demo, rows), figures(demo, "SELECT id, state, open_until FROM vault_message ORDER BY id")
    assert after == before


def test_the_states_that_the_demo_shows_are_there(demo: Portal) -> None:
    assert figures(demo, "SELECT count(*) FROM vault_message WHERE state = 'withdrawn'") == ["1"]
    assert figures(demo, "SELECT count(*) FROM vault_message WHERE open_until < datetime('now')") == ["1"]
    assert figures(demo, "SELECT count(*) FROM vault_reader WHERE first_opened_at IS NOT NULL") == ["2"]
    assert figures(demo, "SELECT count(*) FROM vault_message WHERE direction = 'in'") == ["2"]
    assert figures(demo, "SELECT slug, is_default FROM branding_brand ORDER BY slug") == [
        "alder|1",
        "harbour|0",
        "nakhil|0",
        "nordlicht|0",
    ]


def test_the_answer_lies_in_the_mailbox_inside(demo: Portal) -> None:
    answer = Mailbox(demo.outbox, MAYA).wait("reply")
    assert "Do I need to fast before the scan?" in text_of(answer)


def test_a_newcomer_sends_follows_and_reads(page: Page, demo: Portal) -> None:
    page.goto("/demo/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Press Send, then follow the mail.")
    expect(page.get_by_text("Demo. Keys are not secret.")).to_be_visible()
    known = len(Mailbox(demo.outbox, JONAS).mails("passcode"))
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".strip li.on")).to_have_count(4)
    expect(page.locator(".strip")).to_contain_text("The rule “tag in the subject” asks for protection.")

    page.get_by_role("link", name="Open the recipient’s mail").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_have_text("Dr Maya Lindqvist sent you a protected message")
    page.get_by_role("link", name="Source").click()
    page.get_by_label("Does this mail say …").fill("vitamin")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_have_text("“vitamin” is nowhere in this mail.")
    page.get_by_label("Does this mail say …").fill("Lindqvist")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_have_text("“Lindqvist” is in this mail.")

    page.get_by_role("link", name="As on a phone").click()
    with page.context.expect_page() as opened:
        frame.get_by_role("link", name="Read message").click()
    reading = opened.value
    reading.get_by_role("button", name="Email me a passcode").click()
    Mailbox(demo.outbox, JONAS).wait("passcode", known + 1)
    page.goto("/demo/mail/")
    page.get_by_role("link", name=JONAS).click()
    page.get_by_role("link", name="Your passcode for Alder Valley Clinic").first.click()
    code = passcode_in(Mailbox(demo.outbox, JONAS).mails("passcode")[-1])
    expect(page.frame_locator("iframe").get_by_text(code, exact=True)).to_be_visible()
    reading.get_by_label("Passcode", exact=True).fill(code)
    reading.get_by_role("button", name="Read message").click()
    expect(reading.get_by_role("heading", level=1)).to_have_text("Your results")
    expect(reading.get_by_text("The vitamin D is a little low")).to_be_visible()


def test_a_mail_without_the_word_is_passed_on_and_says_so(page: Page) -> None:
    page.goto("/demo/")
    page.get_by_label("Subject").fill("Lunch on Friday?")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".strip")).to_contain_text("No rule asks for protection: passed on as it is.")
    expect(page.locator(".strip li.on")).to_have_count(3)


def test_a_file_of_ones_own_goes_with_the_mail(page: Page, tmp_path: Path) -> None:
    own = tmp_path / "my holiday.txt"
    own.write_text("sun and rain")
    page.goto("/demo/")
    page.get_by_label("Subject").fill("Lunch on Friday?")
    page.get_by_label("File, if you like").set_input_files(own)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".strip li.on")).to_have_count(3)
    page.get_by_role("link", name="Open the recipient’s mail").click()
    page.get_by_role("link", name="Text").click()
    expect(page.get_by_text("my holiday.txt, 12 bytes")).to_be_visible()


def test_it_all_works_without_scripts(browser: Browser, demo: Portal) -> None:
    context = someone(browser, viewport=PHONE, base_url=demo.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/demo/")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".strip li.on")).to_have_count(4)
    page.get_by_role("link", name="Open the recipient’s mail").click()
    expect(page.frame_locator("iframe").get_by_role("link", name="Read message")).to_be_visible()
    page.goto("/demo/")
    page.get_by_role("button", name="Sign in as Ebba").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    context.close()


def test_the_links_lead_to_the_brands_own_host(page: Page, demo: Portal) -> None:
    notice = Mailbox(demo.outbox, "samira@nasser-bau.example").wait("notice")
    link = link_in(notice)
    assert link.startswith(f"http://harbour.localhost:{demo.http_port}/m/")
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Read your message")
    expect(page.locator("header")).to_contain_text("Harbour Legal")


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
def test_every_page_passes_axe_and_fits(browser: Browser, demo: Portal, viewport: dict[str, int], scheme: Any) -> None:
    need("axe")
    axe = (BROWSER_PACKAGES / "axe-core" / "axe.min.js").read_text()
    context = someone(browser, viewport=viewport, base_url=demo.url, color_scheme=scheme)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto("/demo/")
    page.get_by_role("button", name="Sign in as Ebba").click()
    one = id_of(figures(demo, "SELECT id FROM delivery_outbound WHERE kind = 'notice' LIMIT 1")[0])
    id_ = id_of(figures(demo, "SELECT id FROM vault_message LIMIT 1")[0])
    for path in (
        "/demo/",
        f"/demo/sent/{id_}/",
        "/demo/mail/",
        f"/demo/mail/one/{one}/",
        f"/demo/mail/one/{one}/text/",
        f"/demo/mail/one/{one}/source/?find=vitamin",
        "/admin/",
        "/admin/messages/",
        "/admin/messages/?id=nothing",
        "/admin/messages/?show=held",
        f"/admin/messages/{id_}/",
        "/admin/health/",
    ):
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, path
        page.evaluate(axe)
        assert page.evaluate(RUN_AXE) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
    assert faults == []
    context.close()


def test_someone_writes_first_by_keyboard_and_without_scripts_and_reads_their_own_copy(
    browser: Browser, demo: Portal, tmp_path: Path
) -> None:
    (tmp_path / "bill.pdf").write_bytes(b"%PDF-1.7 a bill")
    context = someone(browser, viewport=PHONE, base_url=demo.url, java_script_enabled=False)
    page = context.new_page()
    karin = Mailbox(demo.outbox, KARIN)
    known, receipts = len(karin.mails("passcode")), len(karin.mails("receipt"))
    page.goto("/write/")
    page.get_by_label("Billing").focus()
    page.keyboard.press("Space")
    for words in ("About my bill", "Is the X-ray on it mine?"):
        page.keyboard.press("Tab")
        page.keyboard.type(words)
    page.keyboard.press("Tab")
    page.get_by_label("Add files").set_input_files(tmp_path / "bill.pdf")
    page.keyboard.press("Tab")
    page.keyboard.type(KARIN)
    page.keyboard.press("Tab")
    page.keyboard.type("Karin Berg")
    page.wait_for_timeout(2000)  # nobody writes faster, and the form knows
    page.keyboard.press("Tab")  # past the field that only programs see
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter your passcode to send")
    page.get_by_label("Passcode").fill(passcode_in(karin.wait("passcode", known + 1)))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your message has been sent")
    receipt = karin.wait("receipt", receipts + 1)
    inside = Mailbox(demo.outbox, "reception@aldervalley.example").mails("reply")[-1]
    assert "Is the X-ray on it mine?" in text_of(inside)
    page.goto(link_in(receipt))
    page.get_by_role("button", name="Email me a passcode").click()
    page.get_by_label("Passcode").fill(passcode_in(karin.wait("passcode", known + 2)))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("About my bill")
    expect(page.get_by_text("Is the X-ray on it mine?")).to_be_visible()
    context.close()
