"""From the link to a sent answer with Tab, Enter, Space and typing alone; and what the pages on that way make a browser
load, and whether they stand still.

The portal answers inside this process, which spares the seconds that a whole one takes to start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from portal.ingest import pipeline
from portal.vault.models import Message
from tests.access.visitors import newest_code
from tests.journeys.browsers import chromium, someone
from tests.mails import mail
from tests.parts import need
from tests.seals import path_of, reader_of, seal

pytestmark = pytest.mark.browser
SMALL_PHONE = {"width": 390, "height": 667}
MOST_TABS = 60
MOST_REQUESTS, MOST_BYTES = 3, 60_000
FILES = [("plan.txt", "text/plain", b"Twice a day."), ("scan.txt", "text/plain", b"Nothing new.")]
WHERE = """() => {
  const e = document.activeElement;
  if (e === document.body) return null;
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  const inside = (number, most) => Math.min(Math.max(number, 1), most - 1);
  const seen = [0.5, 0.1, 0.9].some((part) => {
    const x = inside(box.left + box.width * part, innerWidth), y = box.top + box.height * part;
    const top = y >= 0 && y <= innerHeight ? document.elementFromPoint(x, y) : null;
    return top && (e.contains(top) || top.contains(e) && top.closest("label") || top === e);
  });
  const named = document.getElementById(e.getAttribute("aria-labelledby"));
  const own = e.getAttribute("aria-label") || e.textContent || e.title;
  const label = e.labels?.[0]?.textContent || named?.textContent || own;
  return { name: label.trim().replace(/\\s+/g, " "), tag: e.tagName, seen,
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
}"""
SHIFTS = """() => {
  window.shifted = [];
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => entry.hadRecentInput || window.shifted.push(
    `${entry.value} of ${entry.sources.map((source) => source.node?.className)}`
  ))).observe({ type: "layout-shift", buffered: true });
}"""


@dataclass
class Loads:
    """What a page made the browser ask for since `begin`."""

    page: Page
    origin: str
    asked: list[Request] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def hear(self, request: Request) -> None:
        self.asked.append(request)
        if not request.url.startswith((self.origin + "/", "data:", "about:", "blob:")):
            self.elsewhere.append(request.url)

    def are_few(self, *documents: str) -> bool:
        """At most MOST_REQUESTS beyond the documents of these paths, and MOST_BYTES for them and the first document."""
        named = {one.url: one for one in self.asked}.values()  # what is in the browser's memory is not asked for again
        more = [one for one in named if urlsplit(one.url).path not in documents]
        first = [one for one in named if urlsplit(one.url).path == documents[0]]
        size = sum(one.sizes()["responseBodySize"] for one in [*more, *first])
        return len(more) <= MOST_REQUESTS and size <= MOST_BYTES


@pytest.fixture
def message(origin: str) -> Message:
    return seal(mail(html="<p>Good news: <a href='https://aldervalley.example/'>no new tear</a>.</p>" * 9, files=FILES))


@pytest.fixture
def loads(origin: str) -> Iterator[Loads]:
    need("chromium")
    with chromium() as browser:
        found = Loads(someone(browser, viewport=SMALL_PHONE).new_page(), origin)
        found.page.on("request", found.hear)
        found.page.add_init_script(f"({SHIFTS})()")
        yield found
        assert found.elsewhere == [], "a page asks somebody else"


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called so has the focus; at every stop it must be seen, and nothing may lie over it."""
    passed: list[str] = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        stop = page.evaluate(WHERE)
        if stop is None or stop["tag"] == "IFRAME":  # the browser's own bar; or inside a message's text
            continue
        passed.append(stop["name"])
        assert stop["ring"], f"the focus is not seen at {passed[-1]!r}"
        assert stop["seen"], f"something lies over {passed[-1]!r}"
        if re.match(name, stop["name"]):
            return
    raise AssertionError(f"{name} was not reached; passed were {passed}")


def moved(page: Page) -> list[str]:
    """What moved while the page was built (layout shifts)."""
    found: list[str] = page.evaluate("() => window.shifted")
    return found


def drift(page: Page) -> float:
    """How much that is; up to 0.1 is called good (web.dev/cls)."""
    return sum(float(one.partition(" ")[0]) for one in moved(page))


def test_all_the_way_without_a_mouse(message: Message, loads: Loads) -> None:
    page, path = loads.page, path_of(reader_of(message))
    page.goto(loads.origin + path)
    assert loads.are_few(path)
    assert moved(page) == []
    tab_to(page, "Email me a passcode")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Passcode", exact=True)).to_be_focused()
    page.keyboard.type(newest_code())
    tab_to(page, "Keep me signed in")
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox")).to_be_checked()
    tab_to(page, "Read message")
    loads.asked.clear()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your results")
    page.wait_for_function("() => document.querySelector('iframe.body-frame').style.height !== ''")
    assert loads.are_few(path, f"{path}/body", f"{path}/passcode/")
    tab_to(page, "Show details")
    page.keyboard.press("Enter")
    tab_to(page, "Download plan.txt")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "plan.txt"
    tab_to(page, "Reply")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reply to Dr Maya Lindqvist")
    assert drift(page) < 0.05, "the bar of formats takes its place, and nothing else moves"
    tab_to(page, "Message$")
    page.keyboard.type("Thank you.")
    tab_to(page, "Send$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your reply has been sent")
    pipeline.process()
    assert Message.objects.filter(thread=message.thread, direction=Message.Direction.IN).count() == 1
    tab_to(page, "All messages")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your messages")
