"""What the small scripts add to pages that work without them, seen in Chromium; and the same pages with scripts off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from portal.access.codes import LONGEST_TYPED
from tests.screens import looks

pytestmark = pytest.mark.browser


def test_a_message_frame_is_as_high_as_its_text_and_follows_the_window(site: str, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 700})
    page.goto(f"{site}/R8-html")
    needed = """() => { const f = document.querySelector("iframe.body-frame");
        return [f.clientHeight, f.contentDocument.documentElement.scrollHeight]; }"""
    page.wait_for_function("() => document.querySelector('iframe.body-frame').style.height !== ''")
    shown, text = page.evaluate(needed)
    assert shown >= text > 300
    page.set_viewport_size({"width": 320, "height": 700})
    page.wait_for_function(f"() => ({needed})()[0] > {shown + 100}")
    shown, text = page.evaluate(needed)
    assert shown >= text


def test_on_a_phone_printing_is_in_a_menu_beside_the_answer(site: str, page: Page) -> None:
    page.add_init_script("window.print = () => { window.printed = true; };")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/R8")
    dock = page.get_by_role("group", name="Message actions")
    expect(dock.get_by_role("button", name="Print")).to_be_hidden()
    dock.locator("summary").press("Enter")
    dock.get_by_role("button", name="Print").press("Enter")
    assert page.evaluate("window.printed") is True
    expect(dock.get_by_role("button", name="Print")).to_be_hidden()
    page.goto(f"{site}/R8-awkward")
    expect(page.get_by_role("button", name="Print")).to_have_count(0)


def test_large_text_is_not_covered_by_the_actions_of_a_phone(site: str, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/R8")
    looks.with_large_text(page)
    assert page.evaluate("getComputedStyle(document.querySelector('.dock')).position") == "static"


def test_a_message_frame_runs_no_script_and_cannot_reach_the_page(site: str, page: Page) -> None:
    page.goto(f"{site}/R8-html")
    frame = page.locator("iframe.body-frame")
    assert frame.get_attribute("title") == "Message text"
    allowed = frame.get_attribute("sandbox") or ""
    assert sorted(allowed.split()) == ["allow-popups", "allow-popups-to-escape-sandbox", "allow-same-origin"]


def test_an_error_summary_has_the_focus_and_leads_to_its_field(site: str, page: Page) -> None:
    page.goto(f"{site}/R3-wrong")
    expect(page.locator("#errors")).to_be_focused()
    assert page.title() == "Error: Enter your passcode – Alder Valley Clinic"
    page.get_by_role("link", name="That passcode is not right").press("Enter")
    field = page.get_by_label("Passcode")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.input_value() == "28417360"
    for name in (field.get_attribute("aria-describedby") or "").split():
        assert page.locator(f"#{name}").count() == 1


def test_a_message_that_may_be_printed_has_a_button_for_it(site: str, page: Page) -> None:
    page.goto(f"{site}/R8")
    page.evaluate("window.print = () => (window.printed = true)")
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed")
    page.goto(f"{site}/R8-awkward")
    expect(page.get_by_role("button", name="Print", include_hidden=True)).to_have_count(0)


def test_a_second_press_does_not_throw_away_the_answer_to_the_first(site: str, page: Page) -> None:
    page.goto(f"{site}/R3")
    page.get_by_label("Passcode", exact=True).fill("28417360")
    page.evaluate("""() => { window.sent = 0; addEventListener("submit", (event) => {
        if (!event.defaultPrevented) window.sent += 1; event.preventDefault(); }); }""")
    button = page.get_by_role("button", name="Read message", exact=True)
    for _ in range(3):
        button.click()
    assert page.evaluate("window.sent") == 1
    page.get_by_label("Passcode", exact=True).fill("28417306")
    button.click()
    assert page.evaluate("window.sent") == 2, "what was typed anew is sent"


def test_the_passcode_field_takes_the_device_s_offer_and_has_the_focus(site: str, page: Page) -> None:
    page.goto(f"{site}/R3")
    field = page.get_by_label("Passcode")
    expect(field).to_be_focused()
    wanted = {
        "name": "code",
        "type": "text",
        "inputmode": "numeric",
        "autocomplete": "one-time-code",
        "maxlength": str(LONGEST_TYPED),
    }
    assert {name: field.get_attribute(name) for name in wanted} == wanted
    assert page.get_by_role("button", name="Read message", exact=True).count() == 1
    assert page.locator('input[type="checkbox"][name="keep"]').count() == 1


def test_times_are_said_in_the_reader_s_zone_in_the_same_words(site: str, chromium: Browser) -> None:
    context = chromium.new_context(locale="en-GB", timezone_id="Pacific/Auckland")
    page = context.new_page()
    page.goto(f"{site}/R8")
    assert page.locator(".from__more time").first.text_content() == "18 November 2026, 02:48"
    page.get_by_text("Show details").click()
    assert page.locator("[data-local-zone]").text_content() == "Pacific/Auckland"
    assert "17 December 2026" in (page.locator(".rail .facts").text_content() or ""), "the last day moves for nobody"
    context.close()


def test_chosen_files_are_listed_with_their_sizes_and_sent_with_progress(site: str, page: Page, tmp_path: Path) -> None:
    page.goto(f"{site}/R11")
    for name, size in (("scan.tiff", 1_500_000), ("note.txt", 420)):
        (tmp_path / name).write_bytes(b"x" * size)
    page.get_by_label("Add files").set_input_files([tmp_path / "scan.tiff", tmp_path / "note.txt"])
    expect(page.locator("[data-chosen] li")).to_have_text(
        [re.compile(r"scan\.tiff\s*1\.5 MB"), re.compile("420 bytes")]
    )
    expect(page.locator("[data-total]")).to_have_text("1.5 MB of 50 MB")
    page.get_by_label("Message", exact=True).fill("Thank you.")
    page.evaluate(
        """() => { window.said = [];
        new MutationObserver(() => window.said.push(document.querySelector("[role=status]").textContent))
          .observe(document.querySelector("[role=status]"), { childList: true, characterData: true, subtree: true });
        window.addEventListener("pagehide", () => sessionStorage.setItem("said", JSON.stringify(window.said)));
    }"""
    )
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url(f"{site}/R12")
    said = page.evaluate("() => JSON.parse(sessionStorage.getItem('said'))")
    assert said[0] == "Uploading 0 %"
    assert said[-1] == "Uploaded. Sending."
    assert len(said) <= 3, "a screen reader hears 0, 50 and 100 per cent and nothing between"


def test_a_draft_is_saved_by_itself_and_sending_waits_for_it(site: str, page: Page) -> None:
    posted: list[str] = []

    def answer(route: Route) -> None:
        posted.append(route.request.post_data or "")
        if route.request.headers["accept"] != "application/json":
            return route.continue_()
        told = {"version": f"v{len(posted)}", "saved_at": "2026-11-17T13:05:00Z", "other_at": ""}
        return route.fulfill(json={**told, "other_at": "2026-11-17T13:07:00Z" if len(posted) == 2 else ""})

    page.route("**/m/*/reply", answer)
    page.clock.install()
    page.goto(f"{site}/R11")
    page.clock.pause_at(page.evaluate("() => Date.now()") / 1000 + 60)
    page.evaluate("() => document.querySelector('[data-other]').hidden = true")
    field = page.get_by_label("Message", exact=True)
    field.press_sequentially("Half a tho")
    page.clock.run_for(4500)
    assert posted == []
    with page.expect_response("**/reply"):
        page.clock.run_for(600)
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"Draft saved \d\d:05"))
    expect(page.locator("[name=version]")).to_have_value("v1")
    assert page.locator("[data-other]").is_hidden()
    field.press_sequentially("ught")
    page.get_by_label("Subject").focus()
    with page.expect_response("**/reply"):
        page.clock.run_for(1100)
    expect(page.locator("[data-other]")).to_be_visible()
    assert "Half a thought" in posted[1]
    assert "v1" in posted[1]
    field.press_sequentially(".")
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url(f"{site}/R12")
    assert len(posted) == 3, "what is sent is not saved besides"


def test_too_much_is_said_before_it_is_sent(site: str, page: Page, tmp_path: Path) -> None:
    page.goto(f"{site}/R11")
    (tmp_path / "big.bin").write_bytes(b"\0" * 51_000_000)
    page.get_by_label("Add files").set_input_files(tmp_path / "big.bin")
    expect(page.locator("[data-total]")).to_have_text("51 MB of 50 MB")
    expect(page.locator("[data-total]")).to_have_class(re.compile("over"))


def test_the_download_of_all_files_is_said_to_be_one_zip(site: str, page: Page) -> None:
    page.goto(f"{site}/R8")
    page.evaluate("() => document.querySelector('[data-starts]').addEventListener('click', (e) => e.preventDefault())")
    status = page.locator("#zip-starts")
    expect(status).to_be_empty()
    page.get_by_role("link", name="Download all").click()
    expect(status).to_have_text("Your download starts. It is one ZIP file with 3 files.")


def test_everything_works_with_scripts_off(site: str, chromium: Browser, tmp_path: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/R8-html")
    assert page.get_by_role("link", name="Open the text on its own page").get_attribute("href") == "/R8-body"
    frame = page.locator("iframe.body-frame").bounding_box()
    assert frame is not None
    assert frame["height"] > 300
    page.get_by_text("Show details").click()
    expect(page.get_by_text("karin.berg@post.example")).to_be_visible()
    page.goto(f"{site}/R11")
    (tmp_path / "note.txt").write_text("hello")
    page.get_by_label("Add files").set_input_files(tmp_path / "note.txt")
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url(f"{site}/R12")
    context.close()


@pytest.mark.parametrize(("name", "own"), [("R1", {"/R1"}), ("R8-html", {"/R8-html", "/R8-body"})])
def test_a_page_loads_three_things_beyond_the_message(site: str, page: Page, name: str, own: set[str]) -> None:
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.goto(f"{site}/{name}", wait_until="networkidle")
    assert {f"{site}{path}" for path in own} < asked
    assert len(asked) - len(own) <= 3
    assert all(url.startswith(f"{site}/") for url in asked)


def test_without_the_right_to_print_paper_says_only_so(site: str, page: Page) -> None:
    page.goto(f"{site}/R8-awkward")
    page.emulate_media(media="print")
    expect(page.get_by_text("has turned printing off for this message")).to_be_visible()
    expect(page.locator("article")).to_be_hidden()
    page.goto(f"{site}/R8")
    expect(page.locator("article h1")).to_be_visible()
    expect(page.get_by_text("Printed by jonas.berg@mail.example on")).to_be_visible()
    expect(page.get_by_text("Message 7c1f09e2.")).to_be_visible()
    expect(page.get_by_text("maya.lindqvist@aldervalley.example")).to_be_visible()
    expect(page.get_by_text("has turned printing off")).to_have_count(0)


def test_controls_have_borders_in_forced_colours(site: str, page: Page) -> None:
    page.emulate_media(forced_colors="active")
    for name, selector in (("R1", ".btn--go"), ("R11", "textarea"), ("R8", ".avatar")):
        page.goto(f"{site}/{name}")
        width = page.locator(selector).first.evaluate("(e) => parseFloat(getComputedStyle(e).borderTopWidth)")
        assert width >= 1, selector
