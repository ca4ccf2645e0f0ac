"""Every screen in Chromium, in every width and theme: no violation, no sideways scroll, nothing against the policy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.screens import looks, samples
from tests.screens.samples import Sample

pytestmark = pytest.mark.browser
REFLOW = 320
"""CSS pixels that a page must fit without scrolling sideways (WCAG 2.2, 1.4.10)."""
WIDTHS = (REFLOW, 390, 1280)
PICTURES = os.environ.get("SCREEN_PICTURES", "")
"""A folder to keep a picture of every screen in, for a person to look at."""
RUN_AXE = """async (more) => {
  const found = await axe.run(document, { resultTypes: ["violations"], iframes: false, ...more });
  return found.violations.map((v) => ({ id: v.id, nodes: v.nodes.map((n) => n.html + " " + n.failureSummary) }));
}"""
NO_PAGE_OF_OURS = {
    "rules": {
        rule: {"enabled": False} for rule in ("region", "landmark-one-main", "page-has-heading-one", "heading-order")
    }
}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""Of axe's rules those that look at colours. No other can tell a theme from another, and they take half of the time."""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL = """() => [...document.querySelectorAll("main button, main a.btn, main input, main textarea, main summary")]
  .filter((e) => e.type !== "hidden" && e.getBoundingClientRect().width > 0 && e.getBoundingClientRect().height < 24)
  .map((e) => e.outerHTML)"""
LOW = """() => [...document.querySelectorAll(`button, a.btn, a.chip, a.back, summary, label.check, select, .menu__link,
  .file__act a, footer a, input:not([type=hidden], [type=checkbox], [type=radio])`)]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().width > 1 && !e.closest(".vh, .trap")
    && e.getBoundingClientRect().height < 43.5).map((e) => e.outerHTML.slice(0, 120))"""
"""What is lower than 44 px (WCAG 2.2, 2.5.5): too low for an unsteady thumb."""
STICKING_OUT = """() => [...document.querySelectorAll("main *, header *, footer *")].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width > 1 && (box.right > innerWidth + 1 || box.left < -1)
    && !e.closest(".vh, .skip, .adm__nav, details:not([open]) > :not(summary)")
    && getComputedStyle(e).display !== "none";
}).map((e) => e.outerHTML.slice(0, 120))"""


STILL = """() => { if (document.querySelector("script[src*='js/again']"))
  for (let timer = setTimeout(() => {}); timer; timer--) clearTimeout(timer); }"""
"""A page that loads itself again after some seconds stands while it is looked at."""
TWICE_THE_TEXT = (
    "R1", "R1-logo", "R7", "R8-awkward", "R11", "R14-passkeys", "S2", "S2-message", "S2-rights",
)  # fmt: skip
"""Pages of recipients and of senders with long lines, many buttons, or both."""
FORGET = "() => { try { sessionStorage.clear(); localStorage.clear(); } catch {} }"


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[tuple[Page, list[str]]]:
    """One window for all samples: a new one costs more than a page. And what went wrong in it since it was emptied."""
    context = chromium.new_context(locale="en-GB", timezone_id="Europe/Stockholm")
    page, faults = context.new_page(), list[str]()
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page, faults
    context.close()


@pytest.fixture(scope="module")
def opened(
    request: pytest.FixtureRequest, window: tuple[Page, list[str]], site: str, axe: str
) -> Iterator[tuple[Sample, Page]]:
    """A sample, loaded once for all tests of it; any script error, refused resource or broken policy fails them."""
    sample, (page, faults) = request.param, window
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme="light", reduced_motion="reduce", forced_colors="none")
    page.goto(f"{site}/{sample.name}")
    page.evaluate(STILL)
    page.evaluate(axe)
    yield sample, page
    page.evaluate(FORGET)
    found = [*faults]
    faults.clear()
    assert not found


def _look(page: Page, width: int, theme: str, sample: Sample) -> str:
    """Bring the page to a width and theme; the words for a failure there."""
    page.set_viewport_size({"width": width, "height": 844 if width < 1000 else 880})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{PICTURES}/{sample.name}-{width}-{theme}.png", full_page=True)
    return f"{sample.name} at {width} px, {theme}"


@pytest.mark.parametrize("opened", [*samples.PAGES, *samples.BODIES, *samples.MAILS], ids=str, indirect=True)
def test_it_has_no_violation_and_no_sideways_scroll(opened: tuple[Sample, Page]) -> None:
    sample, page = opened
    rules: dict[str, Any] = NO_PAGE_OF_OURS if sample in samples.MAILS or sample in samples.BODIES else {}
    for width in WIDTHS:
        for theme in ("light", "dark"):
            where = _look(page, width, theme, sample)
            assert page.evaluate(TOO_WIDE) <= 0, f"{where} scrolls sideways: {page.evaluate(STICKING_OUT)}"
            if width != REFLOW:
                assert page.evaluate(RUN_AXE, rules if theme == "light" else COLOURS) == [], where


@pytest.mark.parametrize("name", TWICE_THE_TEXT)
def test_twice_the_text_fits_a_phone_and_the_frame_leaves_room_for_the_page(site: str, page: Page, name: str) -> None:
    page.goto(f"{site}/{name}")
    looks.with_large_text(page)
    for width in (390, REFLOW):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(TOO_WIDE) <= 0, page.evaluate(STICKING_OUT)
    a_letter_a_line = page.locator("header bdi").first.bounding_box()
    assert a_letter_a_line
    assert a_letter_a_line["width"] > a_letter_a_line["height"]


@pytest.mark.parametrize("opened", samples.PAGES, ids=str, indirect=True)
def test_it_is_whole_with_everything_unfolded_and_with_large_text(opened: tuple[Sample, Page]) -> None:
    sample, page = opened
    assert " – " in page.title()
    assert page.locator("main").count() == page.locator("h1").count() == 1
    where = _look(page, 320, "light", sample)
    assert page.evaluate(SMALL) == [], where
    if page.evaluate("() => [...document.querySelectorAll('main details')].map((d) => { d.open = true; }).length"):
        assert page.evaluate(RUN_AXE, {}) == [], f"{where}, unfolded"
    assert page.evaluate(TOO_WIDE) <= 0, page.evaluate(STICKING_OUT)
    if not sample.name.startswith(("office", "console")):
        assert page.evaluate(LOW) == [], where
    page.set_viewport_size({"width": 640, "height": 900})
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    assert page.evaluate(TOO_WIDE) <= 0, page.evaluate(STICKING_OUT)
    assert looks.clipped(page) == []
    # What a window of 1280 px shows at a zoom of 200 %.
    page.evaluate("() => { document.documentElement.style.fontSize = ''; }")
    assert page.evaluate(TOO_WIDE) <= 0, page.evaluate(STICKING_OUT)
    assert looks.clipped(page) == []
    assert looks.moving(page) == []
    assert looks.in_forced_colours(page) == []


@pytest.mark.parametrize(("name", "paper"), [("R8-html", "rgb(26, 32, 39)"), ("R8-html-white", "rgb(255, 255, 255)")])
def test_html_of_a_sender_follows_dark_mode_unless_it_chose_its_own_paper(
    site: str, page: Page, name: str, paper: str
) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(f"{site}/{name}")
    frame = page.frames[1]
    behind = "() => getComputedStyle(document.body).backgroundColor"
    assert frame.evaluate(behind) == paper
    page.emulate_media(color_scheme="dark", media="print")
    assert frame.evaluate(behind) == "rgb(255, 255, 255)", "paper of a printer is white"
    page.emulate_media(color_scheme="light", media="screen")
    assert frame.evaluate(behind) == "rgb(255, 255, 255)"
