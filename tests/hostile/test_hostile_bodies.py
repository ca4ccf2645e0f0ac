"""Four hundred hostile bodies in a real Chromium: no script runs, no request leaves, the page around is untouched.

All are shown as the portal shows them. One in four is tried cleaned but without policy and sandbox, and as it came but
with both: each of the two walls stands by itself (HOSTILE_EVERY=1 tries all). Without either, the trap catches.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page

from portal.mime.cleaning import clean, with_pictures
from portal.reading.paper import for_both_themes
from tests.hostile.bodies import RUN, TRAP, Body, bodies
from tests.journeys.browsers import chromium, someone
from tests.mails import mail
from tests.parts import need
from tests.seals import path_of, reader_of, seal, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db]
BODIES = bodies()
EVERY = int(os.environ.get("HOSTILE_EVERY", "4"))
SOME = [body for body in BODIES if body.family != "size"][::EVERY]
A_PAGE = 62
SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
# Same origin, so the page can look into its frames: tries every event on every element, then tells what happened.
LOOK = """
for (const frame of document.querySelectorAll('iframe')) {
  const inside = frame.contentDocument;
  if (!inside) { found.push([frame.name, 'left its address']); continue; }
  for (const element of [...inside.querySelectorAll('body *')].slice(0, 40)) {
    const events = new Set(['click', 'focus', 'mouseover', 'load', 'error', 'toggle', 'submit', 'scroll']);
    for (const {name} of element.attributes) if (name.startsWith('on')) events.add(name.slice(2));
    for (const name of events) element.dispatchEvent(new Event(name, {bubbles: true, cancelable: true}));
  }
  if (frame.contentWindow.ran) found.push([frame.name, 'ran a script']);
  if (frame.contentWindow.location.pathname !== new URL(frame.src).pathname) found.push([frame.name, 'went away']);
}
if (window.ran) found.push(['page', 'ran a script here']);
"""


@dataclass
class Site:
    """Two servers on loopback: the pages, and the trap that nobody may ask."""

    origin: str
    trap: str
    pages: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    caught: list[str] = field(default_factory=list)

    def put(self, path: str, html: str, policy: str) -> None:
        self.pages[path] = html.encode("utf-8", "replace"), policy


def serve(answer: Callable[[BaseHTTPRequestHandler], None]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            answer(self)

        do_GET = do_POST = do_HEAD = do_OPTIONS = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    need("chromium")

    def page(handler: BaseHTTPRequestHandler) -> None:
        html, policy = made.pages.get(handler.path, (b"", ""))
        handler.send_response(200 if html else 404)
        handler.send_header("Content-Type", "text/html; charset=utf-8")
        handler.send_header("Content-Length", str(len(html)))
        if policy:
            handler.send_header("Content-Security-Policy", policy)
        handler.end_headers()
        handler.wfile.write(html)

    def caught(handler: BaseHTTPRequestHandler) -> None:
        made.caught.append(handler.path)
        handler.send_response(204)
        handler.end_headers()

    pages, trap = serve(page), serve(caught)
    made = Site(f"http://127.0.0.1:{pages.server_port}", f"127.0.0.1:{trap.server_port}")
    yield made
    for server in (pages, trap):
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:
    # Playwright's loop runs in this thread; Django would take it for an async view's and refuse the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with chromium() as running:
        yield running


@pytest.fixture
def policies() -> tuple[str, str]:
    """What the message page and the body's own document are really sent with."""
    reader = reader_of(seal(mail(html="<p>x</p>")))
    client = signed_in(reader)
    return tuple(client.get(path_of(reader) + part)["Content-Security-Policy"] for part in ("", "/body"))  # type: ignore[return-value]


def as_shown(html: str) -> str:
    both = for_both_themes(html)
    context = {"html": html if both is None else both, "subject": "x", "rights": None, "both_themes": both is not None}
    return render_to_string("reading/body.html", context)


def try_all(
    site: Site, page: Page, tried: list[Body], make: Callable[[str], str], *, walls: tuple[str, str]
) -> list[str]:
    """Show the bodies in frames, a page of them at a time; what went wrong, by the first characters of the body."""
    outer, inner = walls
    faults: list[str] = []
    for start in range(0, len(tried), A_PAGE):
        some = tried[start : start + A_PAGE]
        frames = ""
        for number, body in enumerate(some):
            path = f"/body/{number}"
            site.put(path, make(body.html.replace("127.0.0.1:9", site.trap)), inner)
            sandbox = f' sandbox="{SANDBOX}"' if inner else ""
            frames += f'<iframe name="{number}" src="{site.origin}{path}"{sandbox} width=300 height=60></iframe>'
        site.put("/", f"<!doctype html><title>Message</title><h1 id=h>Subject</h1>{frames}<p id=f>Foot</p>", outer)
        page.goto(f"{site.origin}/", wait_until="load")
        page.wait_for_timeout(150)  # for what comes a moment later: refreshes of 0 s, errors of pictures, animations
        found = page.evaluate(f"() => {{ const found = []; {LOOK} return found; }}")
        assert page.title() == "Message"
        assert page.url == f"{site.origin}/"
        for name in ("h", "f"):
            point = (
                "e => { e.scrollIntoView(); const b = e.getBoundingClientRect();"
                " return document.elementFromPoint(b.x + 5, b.y + 5) === e }"
            )
            assert page.locator(f"#{name}").evaluate(point), f"{name} is covered"
        faults += [f"{what}: {_start_of(some, name)}" for name, what in found]
        faults += [f"asked for {path}" for path in site.caught]
        site.caught.clear()
    return faults


def _start_of(some: list[Body], name: str) -> str:
    return some[int(name)].html[:120] if name.isdecimal() else name


def test_there_are_enough_of_them_and_each_is_another() -> None:
    assert len({body.html for body in BODIES}) == len(BODIES) >= 400
    acting = [body for body in BODIES if body.family not in ("cover", "form", "head", "name")]
    other = [body.html[:60] for body in acting if not any(sign in body.html for sign in (TRAP[7:], RUN, RUN[1:]))]
    assert len(other) < 10, other


def test_as_they_are_shown_none_does_anything(site: Site, browser: Browser, policies: tuple[str, str]) -> None:
    context = someone(browser)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    faults = try_all(site, page, BODIES, lambda html: as_shown(with_pictures(clean(html, {}).html)), walls=policies)
    strangers = {url[:100] for url in asked if not url.startswith((site.origin, "data:image/"))}
    context.close()
    assert not faults
    assert not strangers


def test_cleaning_alone_stops_them(site: Site, browser: Browser) -> None:
    context = someone(browser)
    faults = try_all(site, context.new_page(), SOME, lambda html: as_shown(clean(html, {}).html), walls=("", ""))
    context.close()
    assert not faults


def test_policy_and_sandbox_alone_stop_them(site: Site, browser: Browser, policies: tuple[str, str]) -> None:
    context = someone(browser)
    faults = try_all(site, context.new_page(), SOME, str, walls=policies)
    context.close()
    assert not faults


def test_without_either_the_trap_catches(site: Site, browser: Browser) -> None:
    context = someone(browser)
    tried = [
        Body("", f"<script>{RUN}</script>"),
        Body("", f"<img src={TRAP}/x>"),
        Body("", f"<img src=x onerror={RUN}>"),
    ]
    faults = try_all(site, context.new_page(), tried, str, walls=("", ""))
    context.close()
    assert sum("ran a script" in fault for fault in faults) >= 2
    assert "asked for /trap/x" in faults
