"""The button for pictures of the internet in a real Chromium, with scripts and without: the portal brings them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Browser, Page, expect

from portal.access import cookies, people, sessions
from portal.delivery import resolving
from portal.reading import fetching
from portal.reading.fetching import Reach
from portal.vault.models import Reader
from tests.journeys.browsers import PHONE, chromium, someone
from tests.mails import mail, until
from tests.parts import need
from tests.peers import dns as names
from tests.peers import pictures as hosts
from tests.seals import path_of, reader_of, seal

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NAME = "pictures.example"
LOADED = """() => { const frame = document.querySelector("iframe.body-frame");
  return [...frame.contentDocument.images].map((one) => one.naturalWidth); }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need("chromium")
    # Playwright's loop runs in this thread; Django would take it for an async view's and refuse the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with chromium() as running:
        yield running


@pytest.fixture
def host(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[hosts.Host]:
    """A host called NAME, on this computer, which the portal may reach."""
    resolving._resolver.cache_clear()
    with hosts.serving() as running, names.serving(names.Zone({(NAME, "A"): ["127.0.0.1"]})) as zone:
        settings.LETTERLOCK = replace(django_settings.LETTERLOCK, dns=(zone.resolver,))
        monkeypatch.setattr(fetching, "INTERNET", Reach(frozenset({running.port}), private=True))
        running.paths["/map.png"] = hosts.picture(size=(300, 200))
        yield running


def _opened(page: Page, at: str, reader: Reader) -> None:
    token = sessions.begin(people.of_reader(reader), reader.message.brand, keep=False)
    page.context.add_cookies([{"name": cookies.SESSION, "value": token, "url": at}])
    page.goto(f"{at}{path_of(reader)}")


def test_one_press_shows_them_with_scripts_and_without(live_server: Any, browser: Browser, host: hosts.Host) -> None:
    at = live_server.url.replace("127.0.0.1", "localhost")
    html = f'<p>Where to find us:</p><p><img src="http://{NAME}:{host.port}/map.png" alt="A map"></p>' * 2
    for scripts in (True, False):
        reader = reader_of(seal(mail(html=html)))
        host.asked.clear()
        page = someone(browser, viewport=PHONE, java_script_enabled=scripts).new_page()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        _opened(page, at, reader)
        expect(page.get_by_text("2 pictures from the internet are hidden")).to_be_visible()
        assert host.asked == []
        loads = len([url for url in asked if url == f"{at}{path_of(reader)}"])
        page.get_by_role("button", name="Show them").click()
        expect(page.get_by_text("Pictures from the internet are shown in this message.")).to_be_visible()
        expect(page.frame_locator("iframe.body-frame").get_by_alt_text("A map").first).to_be_visible()
        until(lambda: host.asked, 15, "picture that was fetched")
        if scripts:
            page.wait_for_function(f"() => ({LOADED})().join() === '300,300'")
            assert len([url for url in asked if url == f"{at}{path_of(reader)}"]) == loads, "without loading it again"
        assert {path for _, path, _ in host.asked} == {"/map.png"}
        assert all(url.startswith(at) for url in asked), "the browser asked nobody but the portal"
        page.reload()
        expect(page.get_by_role("button", name="Show them")).to_have_count(0)
        if folder := os.environ.get("SCREEN_PICTURES"):
            page.screenshot(path=f"{folder}/R8-pictures-{scripts}.png", full_page=True)
        page.context.close()
