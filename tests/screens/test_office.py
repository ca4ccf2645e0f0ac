"""Every page of the office and of senders, found by its own links in a running demo: axe, reflow at 320 px, no error,
both themes."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from portal.rules.live import FRESH_SECONDS
from tests.journeys.browsers import DESKTOP, chromium, someone
from tests.mails import MAYA, mail, until
from tests.screens.test_screens import RUN_AXE, SMALL, STICKING_OUT, TOO_WIDE
from tests.servers import Portal

pytestmark = [pytest.mark.browser, pytest.mark.servers]
PICTURES = os.environ.get("SCREENS", "")
VIEWS = ((1280, "light"), (390, "dark"))
REFLOW = 320
"""WCAG 2.2 success criterion 1.4.10, in CSS pixels."""
LINKS = "() => [...document.querySelectorAll('a[href]:not([download])')].map((a) => a.href)"
ZOOMED = 640
"""What a window of 1280 px shows at a zoom of 200 % (1.4.4)."""
BROKEN = """() => [...document.querySelectorAll("thead th")].filter((head) => {
  if (/\\s/.test(head.textContent.trim()) || !head.getClientRects().length || head.querySelector(".vh")) return false;
  const range = document.createRange();
  range.selectNodeContents(head);
  return new Set([...range.getClientRects()].map((box) => box.top)).size > 1;
}).map((head) => head.textContent)"""
BAR = "() => document.querySelector('.savebar')?.offsetHeight ?? 0"
MOST_OF_BAR = 110
"""CSS pixels, an eighth of a phone: a line of words and one of buttons."""
FOCUS = """() => {
  const on = document.activeElement;
  if (!on || on === document.body) return { text: "none" };
  const style = getComputedStyle(on), box = on.getBoundingClientRect();
  return {
    text: on.textContent.trim(),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight,
  };
}"""
"""Where the keyboard is: whether that is marked, and in sight."""
ONE_THING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/)|(?<=/brands/)(?!add/)[^/]+(?=/)|(?<=/rights/)(?!add/)[^/]+(?=/)"
    r"|(?<=/rules/rule/)[^/]+(?=/)|(?<=/kinds/own/)[^/]+(?=/)|(?<=/kinds/built-in/)[^/]+(?=/)"
)


SIGN_IN = """
from branding import choosing
from portal.access import cookies, delegates, people, sessions
from portal.access.delegates import By
brand, maya = choosing.default(), people.of_address("{maya}")
kim = people.of_address("kim@aldervalley.example")
delegates.give(kim, "{maya}", brand, By(delegates.SENDER, kim.pk))
delegates.give(maya, "kim@aldervalley.example", brand, By(delegates.SENDER, maya.pk))
how = dict(keep=False, method=sessions.PROVIDER, provider="corp", sender=True, level=2)
print(cookies.SENDER, sessions.begin(maya, brand, **how))
"""
"""A sender of the demo is signed in, who acts for another, and for whom another acts."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Portal, Browser]]:
    """A demo with a mail that waits for approval."""
    folder = tmp_path_factory.mktemp("office")
    with Portal(folder / "data") as portal, chromium() as browser:
        _hold_a_mail(portal, folder)
        SENDER.extend(portal.manage("shell", "-c", SIGN_IN.format(maya=MAYA)).stdout.split()[-2:])
        yield portal, browser


@pytest.fixture(scope="module")
def owner(office: tuple[Portal, Browser]) -> Page:
    """A browser in which the demo's owner is signed in."""
    portal, browser = office
    page = someone(browser, viewport=DESKTOP).new_page()
    page.goto(portal.url + "/demo/")
    page.get_by_role("button", name="Sign in as Ebba").click()
    page.wait_for_url(re.compile("/admin/"))
    return page


@pytest.fixture(scope="module")
def sender(office: tuple[Portal, Browser]) -> Page:
    """A browser in which Maya is signed in, who sent some of the demo's messages."""
    portal, browser = office
    name, token = SENDER
    context = someone(browser, viewport=DESKTOP)
    context.add_cookies([{"name": name, "value": token, "url": portal.url}])
    page = context.new_page()
    page.goto(portal.url + "/sent/")
    return page


def _hold_a_mail(portal: Portal, folder: Path) -> None:
    """A rule asks for approval of one mail, so that there are pages to decide on it."""
    when = "{if: subject_words, values: [dividend]}"
    (folder / "rules.yaml").write_text(
        f"format: 1\nrules:\n- {{id: a, name: Board, when: [{when}], then: [{{do: hold}}]}}\n"
    )
    portal.manage("rules", "import", "--remove", str(folder / "rules.yaml"))
    time.sleep(FRESH_SECONDS + 0.5)
    (folder / "held.eml").write_bytes(mail("Dividend"))
    HELD.append(portal.manage("ingest", str(folder / "held.eml")).stdout.strip())
    until(lambda: portal.trace(HELD[0])["held"], 20, "the mail is held")


HELD: list[str] = []
SENDER: list[str] = []
"""Name and token of a signed-in sender's cookie."""


def test_every_page_of_the_office_is_right_on_a_phone_and_at_a_desk(owner: Page, axe: str) -> None:
    origin = _origin(owner.url)
    held = [f"{origin}/admin/messages/{HELD[0]}/{page}/" for page in ("approve", "refuse")]
    seen, faults = _crawled(owner, axe, "/admin/", [owner.url, *held])
    assert not faults, "\n".join(faults)
    assert seen.keys() >= {
        "/admin/",
        "/admin/messages/ID/",
        "/admin/messages/ID/approve/",
        "/admin/people/ID/",
        "/admin/delegates/ID/end/",
        "/admin/record/",
    }


def test_every_page_of_a_sender_is_right_on_a_phone_and_at_a_desk(sender: Page, axe: str) -> None:
    seen, faults = _crawled(sender, axe, "/sent/", [sender.url])
    assert not faults, "\n".join(faults)
    assert seen.keys() >= {
        "/sent/",
        "/sent/ID/",
        "/sent/ID/withdraw/",
        "/sent/ID/date/",
        "/sent/ID/rights/",
        "/sent/ID/add/",
        "/sent/settings/",
        "/sent/delegates/",
        "/sent/delegates/add/",
    }


def test_a_sender_withdraws_and_undoes_with_the_keyboard_alone(sender: Page) -> None:
    sender.set_viewport_size({"width": 390, "height": 844})
    sender.goto(f"{_origin(sender.url)}/sent/settings/")
    stops = [_next_stop(sender) for _ in range(16)]
    assert stops[0]["text"] == "Skip to main content" and "Save" in [stop["text"] for stop in stops]
    assert all(stop["ring"] and stop["seen"] for stop in stops if stop["text"] != "none"), stops
    sender.goto(f"{_origin(sender.url)}/sent/")
    _press(sender, "A time for your MRI scan")
    _press(sender, "Withdraw")
    for _ in range(30):
        _next_stop(sender)
        if sender.evaluate("() => document.activeElement.id") == "reason":
            break
    sender.keyboard.press("ArrowDown")
    _press(sender, "Withdraw")
    expect(sender.get_by_text("Withdrawn at")).to_be_visible()
    _press(sender, "Undo")
    expect(sender.get_by_text("The withdrawal was undone")).to_be_visible()


def _next_stop(page: Page) -> dict[str, Any]:
    page.keyboard.press("Tab")
    found: dict[str, Any] = page.evaluate(FOCUS)
    return found


def _press(page: Page, begins: str) -> None:
    """Go by Tab to what is called so, and press Enter; the page after it is there then."""
    for _ in range(60):
        if _next_stop(page)["text"].startswith(begins):
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"nothing is called {begins}")


def _crawled(page: Page, axe: str, begins: str, waiting: list[str]) -> tuple[dict[str, str], list[str]]:
    """Pages by their shape, and what is wrong with them: all whose address begins so, one of each kind."""
    faults: list[str] = []
    page.on("console", lambda said: faults.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
    seen: dict[str, str] = {}
    while waiting:
        url = waiting.pop(0)
        shape = _shape(url)
        if shape in seen or not shape.startswith(begins):
            continue
        seen[shape] = url
        answer = page.request.get(url)
        if answer.status != 200:
            faults.append(f"{url}: {answer.status}")
        if "text/html" not in answer.headers.get("content-type", ""):
            continue  # a file to take away, or text
        page.goto(url)
        faults += _faults(page, axe, shape)
        waiting += page.evaluate(LINKS)
    return seen, faults


def test_on_a_phone_the_section_that_is_shown_is_in_sight_and_the_keyboard_is_seen(owner: Page) -> None:
    owner.set_viewport_size({"width": 390, "height": 844})
    owner.goto(f"{_origin(owner.url)}/admin/people/")
    box = owner.locator(".adm__nav [aria-current]").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 391
    stops = []
    for _ in range(30):
        owner.keyboard.press("Tab")
        stops.append(owner.evaluate(FOCUS))
    assert stops[0]["text"] == "Skip to main content"
    assert all(stop["ring"] and stop["seen"] for stop in stops if stop["text"] != "none"), stops
    assert "Add an administrator" in [stop["text"] for stop in stops]


def _origin(url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


def _shape(url: str) -> str:
    """Of all messages, people and versions one is looked at; of a list, its first page."""
    return ONE_THING.sub("ID", urlsplit(url).path)


def _faults(page: Page, axe: str, shape: str) -> list[str]:
    found = []
    page.evaluate(axe)
    for width, theme in VIEWS:
        page.set_viewport_size({"width": width, "height": 880})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        if PICTURES:
            name = shape.strip("/").replace("/", "-")
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{theme}.png", full_page=True)
        found += [f"{shape} at {width} px, {theme}: {fault}" for fault in page.evaluate(RUN_AXE, {})]
    page.set_viewport_size({"width": REFLOW, "height": 880})
    if page.evaluate(TOO_WIDE) > 0:
        found.append(f"{shape} scrolls sideways: {page.evaluate(STICKING_OUT)}")
    found += [f"{shape}: too small to touch: {small}" for small in page.evaluate(SMALL)]
    found += [f"{shape}: a heading of a column breaks within a word: {word}" for word in page.evaluate(BROKEN)]
    page.set_viewport_size({"width": ZOOMED, "height": 440})
    if page.evaluate(TOO_WIDE) > 0:
        found.append(f"{shape} scrolls sideways at a zoom of 200 %: {page.evaluate(STICKING_OUT)}")
    if page.locator(".field--bad").count():
        found.append(f"{shape}: a form that nobody has filled in is called wrong")
    page.set_viewport_size({"width": 390, "height": 880})
    if (tall := page.evaluate(BAR)) > MOST_OF_BAR:
        found.append(f"{shape}: the bar that stays takes {tall} px of a phone")
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    if page.evaluate(TOO_WIDE) > 0:
        found.append(f"{shape} scrolls sideways on a phone with text of 200 %: {page.evaluate(STICKING_OUT)}")
    page.evaluate("() => { document.documentElement.style.fontSize = ''; }")
    if page.locator("main").count() != 1 or page.locator("h1").count() != 1:
        found.append(f"{shape}: not one main and one h1")
    return found
