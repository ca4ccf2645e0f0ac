"""Writing in a real browser: a file whose line breaks, formats by keyboard, and what happens away from the net."""

from __future__ import annotations

import email
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.journeys.browsers import DESKTOP, PHONE, chromium, sign_in, someone
from tests.mails import MAYA, Mailbox, link_in, mail, passcode_in, send
from tests.parts import need
from tests.servers import Portal

pytestmark = [pytest.mark.browser, pytest.mark.servers]
OFF = "You are offline. What you write stays on this page and is saved when you are back."


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    need("chromium")
    settings = {"LETTERLOCK_DEMO": "off", "LETTERLOCK_INSIDE_DOMAINS": "aldervalley.example"}
    with Portal(tmp_path_factory.mktemp("writing") / "data", **settings) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def open_reply(portal: Portal, page: Page, who: str) -> Mailbox:
    """Signed in, at the form; Maya's mailbox."""
    mailbox = Mailbox(portal.outbox, who)
    send(portal.smtp, mail(), who)
    sign_in(page, link_in(mailbox.wait("notice")), mailbox)
    page.goto(f"{page.url}/reply")
    return Mailbox(portal.outbox, MAYA)


def test_a_file_whose_line_breaks_at_60_per_cent_goes_on_and_arrives_whole(
    portal: Portal, browser: Browser, tmp_path: Path
) -> None:
    context = someone(browser, viewport=DESKTOP)
    page = context.new_page()
    maya = open_reply(portal, page, "line@mail.example")
    scan, sent = os.urandom(5_000_000), []
    (tmp_path / "scan.tiff").write_bytes(scan)

    def count(route: Route) -> None:
        if len(sent) == 6 and "broken" not in sent:
            sent.append("broken")
            context.set_offline(True)
            return route.abort("internetdisconnected")
        if route.request.method == "PATCH":
            sent.append(route.request.headers["upload-offset"])
        return route.continue_()

    page.route("**/reply/files/*", count)
    page.evaluate(
        """() => { window.said = [];
        const status = document.querySelector("[data-status]");
        new MutationObserver(() => window.said.push(status.textContent))
          .observe(status, { childList: true, characterData: true, subtree: true }); }"""
    )
    page.get_by_label("Add files").set_input_files(tmp_path / "scan.tiff")
    row = page.locator(".chosen__file")
    expect(row).to_contain_text(re.compile(r"Upload stopped at 6\d %\. Try again\."))
    expect(page.get_by_text(OFF)).to_be_visible()
    page.get_by_label("Message", exact=True).fill("The scan.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("You are offline, so nothing was sent.")).to_be_visible()

    context.set_offline(False)  # it goes on by itself
    expect(row).to_contain_text("Ready")
    assert len(sent) == len(set(sent)), "no piece is sent twice"
    said = page.evaluate("() => window.said")
    assert said[0] == "scan.tiff: uploading, 0 %"
    assert said[-1] == "scan.tiff is ready."
    assert len(said) <= 6, "a screen reader hears the beginning, the half, the break and the end"
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your reply has been sent")
    (arrived,) = maya.wait("reply").iter_attachments()
    assert hashlib.sha256(arrived.get_payload(decode=True)).digest() == hashlib.sha256(scan).digest()
    context.close()


def test_formats_are_made_by_keyboard_and_pasted_ones_are_cleaned(portal: Portal, browser: Browser) -> None:
    context = someone(browser, viewport=DESKTOP)
    page = context.new_page()
    maya = open_reply(portal, page, "keys@mail.example")
    replies = len(maya.mails("reply"))
    editor = page.get_by_label("Message", exact=True)
    page.get_by_label("Subject").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Bold")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Italic")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("button", name="Link", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    expect(editor).to_be_focused()
    page.keyboard.type("I am ")
    page.keyboard.press("Control+b")
    expect(page.get_by_role("button", name="Bold")).to_have_attribute("aria-pressed", "true")
    page.keyboard.type("better")
    page.keyboard.press("Control+b")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="List", exact=True).click()
    page.keyboard.type("no pain")
    page.keyboard.press("Enter")
    page.keyboard.type("walking")
    page.evaluate(
        """() => { const data = new DataTransfer();
        data.setData("text/html", '<div style="color:red" onclick="x()"><h1>Big</h1><img src=x onerror=alert(1)>'
          + '<span style="font-weight:700">fat</span><a href="javascript:x()">bad</a> '
          + '<a href="https://a.example/">good</a></div>');
        data.setData("text/plain", "x");
        const pasted = new ClipboardEvent("paste", { clipboardData: data, cancelable: true });
        document.querySelector("#message").dispatchEvent(pasted); }"""
    )
    html = page.locator("input[name=html]").input_value()
    assert "<strong>better</strong>" in html
    assert "<li>no pain</li>" in html
    assert '<a href="https://a.example/">good</a>' in html
    assert not re.search(r"javascript|style|img|h1|onclick|span|div", html), html
    page.get_by_role("button", name="Plain text").click()
    plain = page.locator("textarea[name=message]")
    expect(plain).to_be_focused()
    assert "- no pain" in plain.input_value()
    page.get_by_role("button", name="Formatted text").click()
    assert "<strong>better</strong>" in page.locator("input[name=html]").input_value(), (
        "nothing was typed: it is as it was"
    )
    page.get_by_label("Subject").focus()
    page.wait_for_function("() => !document.querySelector('[data-saved]').hidden")
    page.reload()
    expect(editor.locator("strong").first).to_have_text("better")
    editor.press("Control+Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your reply has been sent")
    body = maya.wait("reply", replies + 1).get_body(("html",))
    assert body is not None
    assert "<strong>better</strong>" in body.get_content()
    context.close()


def test_on_a_phone_send_stays_in_sight_and_hides_nothing_that_has_the_focus(portal: Portal, browser: Browser) -> None:
    context = someone(browser, viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    open_reply(portal, page, "phone@mail.example")
    bar = page.locator(".send__bar")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport()
    for control in page.locator("form[data-draft] :is(input:not([type=hidden]), button, #message, summary)").all():
        if not control.is_visible():
            continue
        control.focus()
        at, over = control.bounding_box(), bar.bounding_box()
        assert at is not None
        assert over is not None
        inside = control.evaluate("(e) => !!e.closest('.send__bar')")
        assert inside or at["y"] < over["y"] or at["y"] >= over["y"] + over["height"], control
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.get_by_label("Message", exact=True).press_sequentially("Half a")
    page.get_by_label("Subject").focus()
    page.wait_for_function("() => !document.querySelector('[data-saved]').hidden")
    page.goto(page.url.removesuffix("/reply"))
    assert asked == [], "all was saved, so nobody is asked"
    page.goto(f"{page.url}/reply")
    page.route("**/reply", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.get_by_label("Message", exact=True).press_sequentially(" thought")
    page.goto(page.url.removesuffix("/reply"))
    assert asked == ["beforeunload"]
    context.close()


def test_a_plain_answer_of_our_own_people_stays_protected_whoever_it_goes_to(portal: Portal) -> None:
    """By the real door, without tag or header; the same mail that refers to nothing is passed on as it is."""
    jonas, otto, karin, anna = (
        Mailbox(portal.outbox, who)
        for who in ("jonas@sticky.example", "otto@sticky.example", "karin@sticky.example", "anna@aldervalley.example")
    )
    first = mail()
    send(portal.smtp, first, "jonas@sticky.example")
    notice = jonas.wait("notice")
    known = email.message_from_bytes(first)["Message-ID"]

    def answer(refers: list[tuple[str, str]], *to: str, sender: str = MAYA) -> None:
        send(portal.smtp, mail("Re: Your results", "canary-answer", headers=refers, sender=sender), *to, sender=sender)

    answer([("In-Reply-To", known)], "jonas@sticky.example", "otto@sticky.example")
    answer([("References", f"<unknown@x.example> {notice['Message-ID']}")], "karin@sticky.example")
    for somebody in (otto, karin):
        assert "canary" not in somebody.wait("notice").as_string()
    jonas.wait("notice", 2)
    answer([("In-Reply-To", known)], "anna@aldervalley.example")
    answer([("In-Reply-To", "<unknown@x.example>")], "otto@sticky.example")
    assert "canary-answer" in anna.wait("").as_string(), "among our own people it is an ordinary mail"
    assert "canary-answer" in otto.wait("").as_string()
    assert not karin.mails("")
    assert not jonas.mails("")


def test_a_reply_that_is_sent_after_the_session_is_gone_is_found_in_the_same_tab_with_its_file(
    portal: Portal, browser: Browser
) -> None:
    context = someone(browser, viewport=PHONE)
    page = context.new_page()
    open_reply(portal, page, "gone@mail.example")
    place = page.url
    card = {"name": "card.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff" + b"c" * 1000}
    page.get_by_label("Add files").set_input_files([card])
    expect(page.locator(".chosen__file")).to_contain_text("Ready")
    expect(page.locator(".chosen__file")).to_contain_text("Picture")
    context.clear_cookies(name="session")
    page.get_by_label("Message", exact=True).fill("See you on Thursday.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("What you wrote is saved and not sent yet.")).to_be_visible()
    page.get_by_role("button", name="Email me a passcode").click()
    page.get_by_label("Passcode", exact=True).fill(
        passcode_in(Mailbox(portal.outbox, "gone@mail.example").wait("passcode", 2))
    )
    page.get_by_role("button", name="Read message").click()
    expect(page).to_have_url(place)
    expect(page.get_by_label("Message", exact=True)).to_have_text("See you on Thursday.")
    expect(page.locator("li bdi", has_text="card.jpg")).to_be_visible()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your reply has been sent")
