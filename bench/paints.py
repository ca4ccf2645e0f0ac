"""How soon a cheap phone on a slow line shows the sign-in and the message page, by Lighthouse's measures and scores.

Lighthouse itself is 185 MB of packages, so its measures are taken here in Debian's Chromium: first and largest paint,
blocking time and layout shifts, under the throttling that it applies ("devtools": a processor four times as slow,
562.5 ms a request, 1.44 Mbit/s) and with the curves that it scores a phone by. Its speed index needs a film of the
page; the largest paint stands in for it, which is no less where a page draws everything at once, as these do.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erf, log, sqrt
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from bench.pages import Web
from bench.rounds import FEWEST_ROUNDS
from bench.table import Row, Target
from tests import parts
from tests.journeys.browsers import chromium

PHONE = {"width": 412, "height": 823}
LINE = {"offline": False, "latency": 562.5, "downloadThroughput": 184_320, "uploadThroughput": 84_375}
SLOWER = 4
CURVES = {"fcp": (1800, 3000, 0.10), "si": (3387, 5800, 0.10), "lcp": (2500, 4000, 0.25), "tbt": (200, 600, 0.30)}
"""Of each measure in ms: what gets 0.9, what gets 0.5, and its weight (Lighthouse 10 and later, for phones)."""
SHIFT_CURVE, SHIFT_WEIGHT = (0.1, 0.25), 0.25
FULL = 99.5
"""Points that Lighthouse shows as 100."""
_WATCH = """() => {
  window.seen = { fcp: 0, lcp: 0, tbt: 0, cls: 0 };
  const watch = (type, each) => new PerformanceObserver((list) => list.getEntries().forEach(each))
    .observe({ type, buffered: true });
  watch("paint", (entry) => { if (entry.name === "first-contentful-paint") window.seen.fcp = entry.startTime; });
  watch("largest-contentful-paint", (entry) => { window.seen.lcp = entry.startTime; });
  watch("longtask", (entry) => { window.seen.tbt += Math.max(0, entry.duration - 50); });
  watch("layout-shift", (entry) => { if (!entry.hadRecentInput) window.seen.cls += entry.value; });
}"""


def rows(folder: Path, say: Callable[[str], None]) -> list[Row]:
    """Both pages' scores."""
    if not parts.present("chromium"):
        say("Chromium is not here, so no page is looked at (apt-get install chromium)")
        return []
    web = Web(folder / "data")
    web.prepare()
    ((page, cookie),) = web.filled(["message"])
    target = Target(FULL, absolute=True)
    with web, chromium() as browser:
        found = {
            what: tuple(score(_load(browser, web.port, page, sent)) for _ in range(FEWEST_ROUNDS))
            for what, sent in (("sign-in page", ""), ("message page", cookie))
        }
    return [
        Row(f"{what} on a slow phone", "Lighthouse's 100", "points", points, (100.0,) * len(points), target)
        for what, points in found.items()
    ]


def score(seen: dict[str, float]) -> float:
    """Points of 100 for the measures of one load: `fcp`, `lcp`, `tbt` in ms, and `cls`."""
    measures = {**seen, "si": seen["lcp"]}
    points = sum(weight * _curve(measures[name], good, middling) for name, (good, middling, weight) in CURVES.items())
    return 100 * (points + SHIFT_WEIGHT * _curve(seen["cls"], *SHIFT_CURVE))


def _curve(value: float, good: float, middling: float) -> float:
    """The share of pages that are worse, by a log-normal curve through 0.9 at `good` and 0.5 at `middling`."""
    if value <= 0:
        return 1.0
    spread = log(middling / good) / 1.2815515655446004  # the standard normal distribution is 0.9 there
    return 0.5 * (1 - erf(log(value / middling) / spread / sqrt(2)))


def _load(browser: Browser, port: int, path: str, cookie: str) -> dict[str, float]:
    """What a browser that was never there before sees."""
    context = browser.new_context(viewport=PHONE, device_scale_factor=1.75, is_mobile=True, has_touch=True)  # type: ignore[arg-type]
    name, _, value = cookie.partition("=")
    if name:
        context.add_cookies([{"name": name, "value": value, "url": f"http://localhost:{port}"}])
    page = context.new_page()
    devtools: Any = context.new_cdp_session(page)
    devtools.send("Network.emulateNetworkConditions", LINE)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(f"({_WATCH})()")
    page.goto(f"http://localhost:{port}{path}", wait_until="networkidle")
    seen: dict[str, float] = page.evaluate("() => window.seen")
    context.close()
    if not seen["fcp"] or not seen["lcp"]:
        raise AssertionError("the page was not painted")
    return seen
