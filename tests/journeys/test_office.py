"""An administrator's whole way in a real Chromium: the first link, a passkey, in again with it, and a colleague.

The portal answers inside this process, which spares the seconds that a whole one takes to start.
"""

from __future__ import annotations

import email
import email.policy
import re

import pytest
from playwright.sync_api import Page, expect

from branding.models import Brand
from portal.access import people
from portal.access.models import Person
from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.operations.administrators import first_link
from tests.journeys.browsers import AUTHENTICATOR, DESKTOP, PHONE, chromium, someone
from tests.mails import mail
from tests.parts import need
from tests.seals import seal

pytestmark = pytest.mark.browser
EBBA, KIM = "ebba.olsson@aldervalley.example", "kim.lund@aldervalley.example"


def link_of_newest_mail() -> str:
    prepared = letters.prepare(Outbound.objects.get(kind="invitation"))
    assert prepared is not None
    read = email.message_from_bytes(b"".join(prepared.data), policy=email.policy.default)
    part = read.get_body(("plain",))
    assert part is not None
    found = re.search(r"http://\S+/admin/enter/\S+", part.get_content())
    assert found
    return found[0]


def navigation(page: Page) -> list[str]:
    return page.get_by_role("navigation", name="Administration").get_by_role("link").all_inner_texts()


def test_from_the_first_link_to_a_colleague_who_sees_only_what_they_may(origin: str) -> None:
    need("chromium")
    message = seal(mail())
    assert Brand.objects.count() == 1
    link = first_link()
    assert link
    with chromium() as browser:
        context = someone(browser, viewport=DESKTOP)
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

        page.goto(link)
        page.get_by_role("button", name="Sign in as administrator").click()
        page.get_by_label("Your email address").fill(EBBA)
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your way in")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")

        page.locator("summary", has_text="Account menu").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        page.goto(f"{origin}/admin/people/add/")
        expect(page.get_by_label("Password")).to_have_count(0)
        page.get_by_role("button", name="Sign in with a passkey").click()

        # The proof led back to the page that was asked for.
        page.get_by_label("Email address").fill(KIM)
        page.get_by_label("Support").check()
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("row", name=re.compile(f"{KIM}.*Support"))).to_be_visible()
        assert {"Overview", "Messages", "Brands", "Health", "People"} <= set(navigation(page))

        colleague = someone(browser, viewport=PHONE).new_page()
        colleague.goto(link_of_newest_mail())
        colleague.get_by_role("button", name="Sign in as administrator").click()  # an empty field stops a browser
        colleague.get_by_label("Email address").fill(KIM)
        colleague.get_by_role("button", name="Sign in as administrator").click()
        expect(colleague.get_by_role("heading", level=1)).to_have_text("Your way in")
        colleague.get_by_role("link", name="Not now").click()
        expect(colleague.get_by_role("heading", level=1)).to_have_text("Overview")
        assert {"Overview", "Messages", "Health"} <= set(navigation(colleague))
        assert not {"Brands", "People"} & set(navigation(colleague))
        colleague.goto(f"{origin}/admin/messages/{message.pk}/")
        expect(colleague.get_by_text("Sealed for 2 readers with key")).to_be_visible()
        assert "Your results" not in colleague.content()
        colleague.goto(f"{origin}/admin/people/")
        expect(colleague.get_by_role("heading", level=1)).to_have_text("Not part of your role")
    assert {people.address_of(one) for one in Person.objects.exclude(role="reader")} == {EBBA, KIM}
