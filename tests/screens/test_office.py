"""Every page of the office, found by its own links in a running demo: axe, reflow at 320 px, no error, both themes."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from portal.rules.live import FRESH_SECONDS
from tests.journeys.browsers import DESKTOP, chromium, someone
from tests.mails import mail, until
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


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser in which the demo's owner is signed in."""
    folder = tmp_path_factory.mktemp("office")
    with Portal(folder / "data") as portal, chromium() as browser:
        page = someone(browser, viewport=DESKTOP).new_page()
        page.goto(portal.url + "/demo/")
        page.get_by_role("button", name="Sign in as Ebba").click()
        page.wait_for_url(re.compile("/admin/"))
        _hold_a_mail(portal, folder)
        yield page


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


def test_every_page_of_the_office_is_right_on_a_phone_and_at_a_desk(owner: Page, axe: str) -> None:
    faults: list[str] = []
    owner.on("console", lambda said: faults.append(f"{owner.url}: {said.text}") if said.type == "error" else None)
    owner.on("pageerror", lambda error: faults.append(f"{owner.url}: {error}"))
    seen: dict[str, str] = {}
    waiting = [owner.url, *(f"{_origin(owner.url)}/admin/messages/{HELD[0]}/{page}/" for page in ("approve", "refuse"))]
    while waiting:
        url = waiting.pop(0)
        shape = _shape(url)
        if shape in seen or not shape.startswith("/admin/"):
            continue
        seen[shape] = url
        answer = owner.request.get(url)
        if answer.status != 200:
            faults.append(f"{url}: {answer.status}")
        if "text/html" not in answer.headers.get("content-type", ""):
            continue  # a file to take away, or text
        owner.goto(url)
        faults += _faults(owner, axe, shape)
        waiting += owner.evaluate(LINKS)
    assert not faults, "\n".join(faults)
    assert seen.keys() >= {
        "/admin/",
        "/admin/messages/ID/",
        "/admin/messages/ID/approve/",
        "/admin/people/ID/",
        "/admin/record/",
    }


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
    if page.locator("main").count() != 1 or page.locator("h1").count() != 1:
        found.append(f"{shape}: not one main and one h1")
    return found
