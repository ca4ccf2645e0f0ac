"""Every screen in Chromium: no axe violation, no sideways scroll, nothing against the policy, in every width and theme."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.screens import samples
from tests.screens.samples import Sample

pytestmark = pytest.mark.browser
WIDTHS = (320, 390, 1280)
PICTURES = os.environ.get("LETTERLOCK_PICTURES", "")
"""A folder to keep a picture of every screen in, for a person to look at."""
RUN_AXE = """async (rules) => {
  const found = await axe.run(document, { resultTypes: ["violations"], iframes: false, rules });
  return found.violations.map((v) => ({ id: v.id, nodes: v.nodes.map((n) => n.html + " " + n.failureSummary) }));
}"""
NO_PAGE_OF_OURS = {
    rule: {"enabled": False} for rule in ("region", "landmark-one-main", "page-has-heading-one", "heading-order")
}
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
STICKING_OUT = """() => [...document.querySelectorAll("main *, header *, footer *")].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width > 1 && (box.right > innerWidth + 1 || box.left < -1)
    && !e.closest(".vh, .skip, .adm__nav") && getComputedStyle(e).display !== "none";
}).map((e) => e.outerHTML.slice(0, 120))"""


def _settle(page: Page) -> None:
    page.wait_for_load_state("load")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.mark.parametrize("sample", [*samples.PAGES, samples.BODY, *samples.MAILS], ids=str)
def test_it_has_no_violation_and_no_sideways_scroll(sample: Sample, site: str, page: Page, axe: str) -> None:
    rules: dict[str, Any] = NO_PAGE_OF_OURS if sample in samples.MAILS or sample is samples.BODY else {}
    page.goto(f"{site}/{sample.name}")
    page.evaluate(axe)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844 if width < 1000 else 880})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            _settle(page)
            if PICTURES:
                Path(PICTURES).mkdir(parents=True, exist_ok=True)
                page.screenshot(path=f"{PICTURES}/{sample.name}-{width}-{theme}.png", full_page=True)
            where = f"{sample.name} at {width} px, {theme}"
            assert page.evaluate(TOO_WIDE) <= 0, f"{where} scrolls sideways: {page.evaluate(STICKING_OUT)}"
            assert page.evaluate(RUN_AXE, rules) == [], where


@pytest.mark.parametrize("sample", samples.PAGES, ids=str)
def test_it_opens_every_disclosure_without_a_violation(sample: Sample, site: str, page: Page, axe: str) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(f"{site}/{sample.name}")
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.evaluate(axe)
    assert page.evaluate(TOO_WIDE) <= 0, page.evaluate(STICKING_OUT)
    assert page.evaluate(RUN_AXE, {}) == []


@pytest.mark.parametrize("sample", samples.PAGES, ids=str)
def test_it_fits_at_320_pixels_with_text_twice_as_large(sample: Sample, site: str, page: Page) -> None:
    page.set_viewport_size({"width": 640, "height": 900})
    page.goto(f"{site}/{sample.name}")
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    assert page.evaluate(TOO_WIDE) <= 0, page.evaluate(STICKING_OUT)


@pytest.mark.parametrize("sample", samples.PAGES, ids=str)
def test_it_has_one_title_one_main_and_controls_large_enough(sample: Sample, site: str, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/{sample.name}")
    assert " – " in page.title()
    assert page.locator("main").count() == 1
    assert page.locator("h1").count() == 1
    for control in page.locator("main button:visible, main a.btn:visible, main input:visible").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 24, control.evaluate("(e) => e.outerHTML")
