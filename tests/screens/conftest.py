"""Samples rendered by Django's own engine and served, with the real policy header, to a real Chromium."""

from __future__ import annotations

import mimetypes
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template import engines
from django.test import RequestFactory
from django.utils import translation
from playwright.sync_api import Browser, Page, sync_playwright

from branding import look
from branding.context import face
from tests.journeys.browsers import FLAGS, PATIENCE
from tests.screens import samples

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "tests/browser/node_modules/axe-core/axe.min.js"
CHROMIUM = Path("/usr/bin/chromium")


def rendered(sample: samples.Sample) -> str:
    """A sample as a browser or a mail program gets it."""
    request = RequestFactory().get("/")
    request.brand = sample.brand  # type: ignore[attr-defined]
    context = {**sample.context, "signed_in_as": sample.signed_in_as}
    if sample.template.startswith("mail/") and sample.brand:
        context["brand"] = face(sample.brand)
    with translation.override(sample.language):
        engine = engines["django"]
        template = engine.from_string(sample.source) if sample.source else engine.get_template(sample.template)
        return template.render(context, request)


def policy(body_document: bool) -> str:
    """The Content-Security-Policy that production sends (django-csp), as one header value."""
    if body_document:
        return "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
    directives: dict[str, list[str]] = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return "; ".join(f"{name} {' '.join(values)}" for name, values in directives.items())


def files() -> dict[str, tuple[str, bytes, str]]:
    """Everything the server below answers: path to type, bytes and policy."""
    found: dict[str, tuple[str, bytes, str]] = {}
    for path in (ROOT / "static").rglob("*"):
        if path.is_file():
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            found[f"/static/{path.relative_to(ROOT / 'static')}"] = (kind, path.read_bytes(), "")
    found[look.script_url()] = ("text/javascript; charset=utf-8", look.script(), "")
    found[look.writing_script_url()] = ("text/javascript; charset=utf-8", look.writing_script(), "")
    found[look.more_css_url()] = ("text/css; charset=utf-8", look.more_css(), "")
    found[look.css_url(None)] = ("text/css; charset=utf-8", look.css(None), "")
    for brand in (samples.ALDER, samples.HARBOUR, samples.NAKHIL):
        found[look.css_url(brand)] = ("text/css; charset=utf-8", look.css(brand), "")
        found[look.mark_url(brand)] = ("image/svg+xml; charset=utf-8", look.svg(brand), "")
    html = "text/html; charset=utf-8"
    found[samples.PREVIEW["picture_url"]] = ("image/svg+xml; charset=utf-8", look.svg(samples.ALDER), "")
    found[samples.LOGO_URL] = ("image/svg+xml; charset=utf-8", look.svg(samples.ALDER), "")
    for sample in samples.PAGES:
        found[f"/{sample.name}"] = (html, rendered(sample).encode(), policy(body_document=False))
    # What the bar before a session's end asks for.
    found["/session/"] = ("application/json", b'{"seconds": 100, "idle": true, "sentence": ""}', "")
    for mail in samples.MAILS:
        found[f"/{mail.name}"] = (html, rendered(mail).encode(), "")
    for body in samples.BODIES:
        found[f"/{body.name}"] = (html, rendered(body).encode(), policy(body_document=True))
    return found


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """Origin of a server with every sample under its name."""
    answers = files()
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body, csp = answers.get(self.path.partition("?")[0], ("text/plain", b"", ""))
            self.send_response(200 if body or self.path == "/favicon.ico" else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if csp:
                self.send_header("Content-Security-Policy", csp)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(303)
            self.send_header("Location", "/R12")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _missing(what: str, command: str) -> None:
    """Skip loudly on a developer's machine; fail where nobody would read it."""
    message = f"{what} is not here, so no screen was tested. Run: {command}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")  # its loop must be over when another file starts one of its own
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        _missing("Chromium", "apt-get install chromium")
    # Playwright's loop runs in this thread; Django would take it for an async view's and refuse the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, from the npm registry."""
    if not AXE.exists():
        _missing("axe-core", "npm ci --prefix tests/browser")
    return AXE.read_text()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails the test on any script error, refused resource or broken policy."""
    context = chromium.new_context(locale="en-GB", timezone_id="Europe/Stockholm", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert not faults
