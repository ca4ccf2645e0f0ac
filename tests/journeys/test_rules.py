"""A rule from the first press to the mail that obeys it, in a real Chromium."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from branding.models import Brand
from portal.access import administrators, cookies, sessions
from portal.access.roles import Role
from portal.rules import live
from portal.vault.models import Message
from tests.journeys.browsers import DESKTOP, chromium, someone
from tests.mails import JONAS, MAYA, mail
from tests.parts import need
from tests.seals import put

pytestmark = pytest.mark.browser


@pytest.fixture
def brand(live_server: LiveServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Brand:
    # Playwright's loop runs in this thread; Django would take it for an async view's and refuse the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.LETTERLOCK = replace(
        settings.LETTERLOCK, public_url=live_server.url, inside_domains=("aldervalley.example",)
    )
    live.forget()
    values = {"name": "Alder Valley Clinic", "host": "localhost", "postal_address": "Alder Street 4"}
    return Brand.objects.update_or_create(is_default=True, defaults={"slug": "alder", **values})[0]


def add(page: Page, key: str, kind: str) -> None:
    page.locator(f'[id="{key}-add"]').select_option(kind)
    page.locator(f'button[value="add:{key}"]').click()


def publish(page: Page) -> None:
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Versions of the rules")
    live.forget()  # as two seconds later


def test_a_rule_is_built_tried_logged_and_then_obeyed(brand: Brand, live_server: LiveServer) -> None:
    need("chromium")
    person = administrators.add("rita@aldervalley.example", Role.RULES, by=None)
    token = sessions.begin(person, brand, keep=False, method="passkey", office=True)
    site = live_server.url
    with chromium() as browser:
        office = someone(browser, viewport=DESKTOP)
        office.add_cookies([{"name": cookies.OFFICE, "value": token, "url": site}])
        page = office.new_page()
        faults: list[str] = []
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.goto(f"{site}/admin/rules/")
        page.get_by_role("link", name="Add a rule").click()
        page.get_by_label("Name", exact=True).fill("Zebras")
        add(page, "w", "recipient_is")
        page.get_by_label("Which").select_option("outside")
        add(page, "w", "subject_words")
        page.get_by_label("Values").fill("zebra")
        add(page, "t", "protect")
        page.get_by_label("Open for").fill("14")
        wanted = "If a recipient is outside and the subject has the word “zebra”, then protect it, open for 14 days."
        expect(page.locator("[data-told]")).to_have_text(wanted)
        page.get_by_role("button", name="Save and test").click()

        page.get_by_label("From", exact=True).fill(f"Maya Lindqvist <{MAYA}>")
        page.get_by_label("To", exact=True).fill(JONAS)
        page.get_by_label("Subject", exact=True).fill("A zebra")
        page.get_by_role("button", name="Try it").click()
        expect(page.get_by_text("Matched, only logged")).to_be_visible()

        page.goto(f"{site}/admin/rules/publish/")
        publish(page)
        row = put(mail("A zebra"), JONAS)
        assert not Message.objects.filter(pk=row.pk).exists(), "it is only logged"
        page.goto(f"{site}/admin/rules/")
        expect(page.locator("#rule-zebras")).to_contain_text("would have 1 time")
        page.get_by_role("group", name="State of “Zebras”").get_by_role("button", name="On", exact=True).click()

        page.get_by_role("link", name="Test it").click()
        page.get_by_label("From", exact=True).fill(f"Maya Lindqvist <{MAYA}>")
        page.get_by_label("To", exact=True).fill(JONAS)
        page.get_by_label("Subject", exact=True).fill("A zebra")
        page.get_by_role("button", name="Try it").click()
        expect(page.get_by_text("It is protected. Rule “Zebras” decided.")).to_be_visible()
        notice = page.frame_locator("iframe[name=notice]")
        expect(notice.get_by_role("heading", level=1)).to_have_text("Maya Lindqvist sent you a protected message")
        page.goto(f"{site}/admin/rules/publish/")
        publish(page)
        row = put(mail("Another zebra"), JONAS)
        assert Message.objects.filter(pk=row.pk).exists()
        assert not faults
