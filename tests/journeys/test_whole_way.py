"""A person's whole way, in a real browser: notice, passcode, reading, download, answer, and the answer's arrival."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.access.visitors import other_than
from tests.journeys.browsers import DESKTOP, PHONE, chromium, sign_in, someone
from tests.mails import JONAS, MAYA, Mailbox, link_in, mail, passcode_in, send
from tests.parts import need
from tests.servers import Portal

pytestmark = [pytest.mark.browser, pytest.mark.servers]
HTML = (
    '<p>Dear Jonas, <b>good news</b>.</p><img src="https://tracker.example/pixel.png">'
    '<script>document.title = "x"</script>'
)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One for all: each test writes to somebody new."""
    settings = {"LETTERLOCK_DEMO": "off", "LETTERLOCK_INSIDE_DOMAINS": "aldervalley.example"}
    with Portal(tmp_path_factory.mktemp("whole-way") / "data", **settings) as running:
        yield running


def walk(portal: Portal, page: Page, who: str, tmp_path: Path) -> None:
    maya, jonas = Mailbox(portal.outbox, MAYA), Mailbox(portal.outbox, who)
    answers = len(maya.mails("reply"))
    report = os.urandom(700_000)
    raw = mail(html=HTML, files=[("MRI-report-left-knee.pdf", "application/pdf", report)])
    send(portal.smtp, raw, who)
    notice = jonas.wait("notice")
    assert "good news" not in notice.as_string()
    sign_in(page, link_in(notice), jonas)

    expect(page.get_by_role("heading", level=1)).to_have_text("Your results")
    expect(page.frame_locator("iframe").get_by_text("good news")).to_be_visible()
    expect(page.get_by_text("1 picture from the internet is hidden")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download MRI-report-left-knee.pdf").click()
    assert download.value.suggested_filename == "MRI-report-left-knee.pdf"
    assert hashlib.sha256(Path(download.value.path()).read_bytes()).digest() == hashlib.sha256(report).digest()

    page.get_by_role("link", name="Reply").locator("visible=true").first.click()
    page.wait_for_url("**/reply")  # and its scripts, which put their own field in the place of the plain one
    page.get_by_label("Message", exact=True).fill("Thank you, Thursday works.\nJonas")
    photo = tmp_path / "knee brace.bin"
    photo.write_bytes(os.urandom(300_000))
    page.locator("input[type=file]").set_input_files(photo)
    page.get_by_role("button", name="Send").locator("visible=true").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your reply has been sent")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your reply has been sent")

    reply = maya.wait("reply", answers + 1)
    assert reply["Subject"] == "Re: Your results"
    assert reply["In-Reply-To"] in raw.decode()
    assert reply["In-Reply-To"] in reply["References"]
    body = reply.get_body(("plain",))
    assert body is not None
    assert "Thank you, Thursday works." in body.get_content()
    (attached,) = reply.iter_attachments()
    assert attached.get_filename() == "knee brace.bin"
    assert attached.get_payload(decode=True) == photo.read_bytes()

    page.get_by_role("link", name="Back to the message").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your results")
    page.reload()
    expect(page.get_by_role("heading", name="Earlier in this conversation")).to_be_visible()
    expect(page.get_by_text("Thank you, Thursday works.")).to_be_visible()


def test_the_way_back_leads_to_pages_of_ours_after_a_mistyped_passcode(portal: Portal) -> None:
    mailbox = Mailbox(portal.outbox, "back@mail.example")
    send(portal.smtp, mail(), "back@mail.example")
    with chromium() as browser:
        page = someone(browser).new_page()
        page.goto(link_in(mailbox.wait("notice")))
        page.get_by_role("button", name="Email me a passcode").click()
        code = passcode_in(mailbox.wait("passcode"))
        page.get_by_label("Passcode", exact=True).fill(other_than(code))
        page.get_by_role("button", name="Read message").click()
        expect(page.locator("#errors")).to_be_visible()
        page.get_by_label("Passcode", exact=True).fill(code)
        page.get_by_role("button", name="Read message").click()
        results = page.get_by_role("heading", level=1, name="Your results")
        expect(results).to_be_visible()
        page.go_back()
        expect(results).to_be_visible()
        page.get_by_role("link", name="Reply").locator("visible=true").first.click()
        send_it = page.get_by_role("button", name="Send").locator("visible=true").first
        send_it.click()
        expect(page.get_by_role("link", name="Write a message or add a file.")).to_be_visible()
        page.locator("[contenteditable=true]").fill("Thank you, once.")
        send_it.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your reply has been sent")
        page.go_back()
        expect(results).to_be_visible()
        page.get_by_role("link", name="Reply").locator("visible=true").first.click()
        expect(page.locator("[contenteditable=true]")).to_have_text("")


@pytest.mark.parametrize("way", ["desktop", "phone", "without scripts"])
def test_a_message_is_read_and_answered(portal: Portal, tmp_path: Path, way: str) -> None:
    need("chromium")
    options: dict[str, Any] = {"viewport": PHONE if way == "phone" else DESKTOP}
    with chromium() as browser:
        person = someone(browser, java_script_enabled=way != "without scripts", **options)
        walk(portal, person.new_page(), f"jonas.{way.split()[0]}@mail.example", tmp_path)


def test_the_inbox_lists_it_and_signing_out_ends_it(portal: Portal) -> None:
    need("chromium")
    jonas = Mailbox(portal.outbox, "jonas.inbox@mail.example")
    send(portal.smtp, mail(), "jonas.inbox@mail.example")
    link = link_in(jonas.wait("notice"))
    with chromium() as browser:
        page = someone(browser).new_page()
        sign_in(page, link, jonas)
        page.goto(f"{portal.url}/inbox/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Your messages")
        page.get_by_role("link", name="Your results").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your results")
        page.locator("summary", has_text="Account menu").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        page.goto(link)
        expect(page.get_by_role("heading", level=1)).to_have_text("Read your message")


def test_another_signed_in_reader_is_told_that_it_is_a_different_address(portal: Portal) -> None:
    need("chromium")
    karin = "karin.berg@post.example"
    send(portal.smtp, mail("[secure] For Jonas", files=[("a.txt", "text/plain", b"only Jonas")]))
    send(portal.smtp, mail("[secure] For Karin", to=karin), karin)
    theirs = link_in(Mailbox(portal.outbox, JONAS).wait("notice"))
    mailbox = Mailbox(portal.outbox, karin)
    with chromium() as browser:
        page = someone(browser).new_page()
        sign_in(page, link_in(mailbox.wait("notice")), mailbox)
        page.goto(theirs)
        expect(page.get_by_role("heading", level=1)).to_have_text("That is a different address")
        assert JONAS not in page.content()
        for content in ("body", "file/1", "inline/1", "original"):
            answer = page.request.get(f"{theirs}/{content}")
            assert answer.status == 404
            assert b"only Jonas" not in answer.body()
        assert page.request.get(f"{theirs}/reply").text().count("That is a different address") > 0
