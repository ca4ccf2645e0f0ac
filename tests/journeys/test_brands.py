"""A brand from a colour that is typed to the page that recipients see, and back again, in a real Chromium."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import FrameLocator, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from branding.models import Brand
from portal.access import administrators, cookies, sessions
from portal.access.roles import Role
from portal.console.brand_editor import contrast
from tests.journeys.browsers import DESKTOP, PHONE, chromium, someone
from tests.parts import need

pytestmark = pytest.mark.browser
LOGO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 40"><circle cx="20" cy="20" r="18" fill="#8a2f52"/></svg>'
)


@pytest.fixture
def brand(live_server: LiveServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Brand:
    # Playwright's loop runs in this thread; Django would take it for an async view's and refuse the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.LETTERLOCK = replace(settings.LETTERLOCK, public_url=live_server.url)
    values = {"name": "Alder Valley Clinic", "host": "localhost", "postal_address": "Alder Street 4"}
    return Brand.objects.update_or_create(is_default=True, defaults={"slug": "alder", **values})[0]


def preview(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title^=Preview]:not(.coming)")


def test_what_is_typed_is_seen_at_once_and_published_it_is_everyones(brand: Brand, live_server: LiveServer) -> None:
    need("chromium")
    person = administrators.add("mika@aldervalley.example", Role.BRANDS, by=None)
    token = sessions.begin(person, brand, keep=False, method="passkey", office=True)
    site, editor = live_server.url, f"{live_server.url}/admin/brands/{brand.slug}/"
    with chromium() as browser:
        office, recipient = someone(browser, viewport=DESKTOP), someone(browser, viewport=PHONE).new_page()
        office.add_cookies([{"name": cookies.OFFICE, "value": token, "url": site}])
        page = office.new_page()
        faults: list[str] = []
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        recipient.goto(f"{site}/help/")
        before = recipient.locator(".brandmark").inner_text()

        page.goto(editor)
        button = preview(page).locator("td.btn")
        expect(button).to_have_css("background-color", "rgb(20, 89, 79)")
        page.get_by_label("Colour").fill("#e8a33d")
        expect(button).to_have_css("background-color", "rgb(232, 163, 61)")
        expect(page.locator("#colour-said b")).to_have_text("#e8a33d")
        rows = page.locator("[data-contrast] tbody tr").all()
        told = [row.locator("th, td:not(.samples)").all_inner_texts() for row in rows]
        should = [[one[name] for name in ("pair", "light", "dark", "needs")] for one in contrast("#e8a33d")]
        assert [line[:4] for line in told] == should and {line[4].strip() for line in told} == {"Pass"}
        expect(page.get_by_role("button", name="Show", exact=True)).to_have_count(0)
        page.get_by_label("Dark").check()
        expect(preview(page).locator("body")).to_have_css("background-color", "rgb(18, 22, 27)")
        page.get_by_label("Name recipients see").fill("Harbour Legal")
        page.locator("#what").select_option("Sign-in page")
        expect(preview(page).locator(".brandmark")).to_contain_text("Harbour Legal")
        asked: list[str] = []
        page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
        with page.expect_event("dialog"):
            page.get_by_role("link", name="Words").click()
        assert asked == ["beforeunload"], "what was typed is not lost by a slip"
        page.get_by_role("button", name="Save draft").click()
        expect(page.get_by_text("2 changes not published: name recipients see, colour")).to_be_visible()

        page.get_by_label("Logo", exact=True).set_input_files(
            {"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": LOGO}
        )
        page.get_by_role("button", name="Upload the logo").click()
        expect(page.get_by_role("button", name="Remove the logo")).to_be_visible()
        page.goto(f"{editor}words/")
        page.get_by_label("Introduction").fill("{sender} of Harbour wrote to you.")
        expect(preview(page).locator("h1")).to_have_text("Tove Holm of Harbour wrote to you.")
        assert recipient.goto(f"{site}/help/")
        assert recipient.locator(".brandmark").inner_text() == before

        page.get_by_role("button", name="Save and publish").click()
        expect(page.get_by_role("row", name=re.compile("introduction.*wrote to you"))).to_be_visible()
        page.get_by_role("button", name="Publish", exact=True).click()
        expect(page.get_by_role("row", name=re.compile("Version 2.*Live.*colour"))).to_be_visible()
        recipient.goto(f"{site}/help/")
        expect(recipient.locator(".brandmark")).to_contain_text("Harbour Legal")
        assert recipient.locator(".brandmark img").evaluate("(img) => img.naturalWidth > 0")

        page.get_by_role("link", name="Version 1").click()
        page.get_by_role("link", name="Go back to this version").click()
        page.get_by_role("button", name="Go back to version 1").click()
        expect(page.get_by_role("row", name=re.compile("Version 3.*Live"))).to_be_visible()
        recipient.goto(f"{site}/help/")
        assert recipient.locator(".brandmark").inner_text() == before
        # Chromium says of a frame that may run no script that it ran none of an extension's; nothing else is said.
        assert faults == []
