"""Pictures of the running product: starts a demo of its own, walks through it once, and pictures every screen at two
widths, light and dark: docs/screens/ with its index, and docs/pictures/readme.png.

make shots                       takes about five minutes
make shots FOLDER=/some/folder   the screens there instead
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
import tempfile
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image
from playwright.sync_api import Browser, Page, Route

from scripts import office_shots
from tests.journeys.browsers import DESKTOP, PHONE, chromium, someone
from tests.mails import JONAS, Mailbox, passcode_in, text_of, until
from tests.servers import ROOT, Portal

RESULTS = "Your MRI results and next appointment"
VIEWS = [(viewport, scheme) for viewport in (PHONE, DESKTOP) for scheme in ("light", "dark")]
COLOURS = 64
TODAY, NOW = date(2026, 11, 23), 14 * 60 + 2
"""What the pictures say the day and the minute were, so that a run of tomorrow changes no picture."""
PAIR = """<style>body {{ margin: 0; padding: 32px; background: #e9e6df; display: flex; gap: 32px; width: max-content }}
img {{ width: 390px; height: 780px; object-fit: cover; object-position: top; border-radius: 18px;
box-shadow: 0 10px 40px -12px rgb(26 33 43 / .35) }}</style><img src="{}"><img src="{}">"""
STEADY = r"""([days, minutes, clock]) => {
  const months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December"];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest("script, style, textarea")) continue;
    let text = node.data.replace(/\b(\d{1,2}) ([A-Z][a-z]+)( \d{4})?\b/g, (all, day, month, year) => {
      if (!months.includes(month)) return all;
      const then = new Date(Date.UTC(Number(year || new Date().getFullYear()), months.indexOf(month), day - -days));
      return `${then.getUTCDate()} ${months[then.getUTCMonth()]}${year ? " " + then.getUTCFullYear() : ""}`;
    });
    if (clock) text = text.replace(/\b([01]\d|2[0-3]):([0-5]\d)(:\d\d)?\b/g, (all, hour, minute, second) => {
      const at = (hour * 60 + Number(minute) + minutes + 2880) % 1440;
      const two = (number) => String(number).padStart(2, "0");
      return `${two(Math.floor(at / 60))}:${two(at % 60)}${second ? ":00" : ""}`;
    });
    text = text.replace(/\b[A-Z]{3,8}-\d{2}\b/g, "KITE-27").replace(/\blocalhost:\d+/g, "localhost:8000")
      .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g,
        "01a1f3c0-7c1f-7e2a-9d44-51b07c1f09e2")
      .replace(/\/m\/[0-9a-z]{22}\b/g, "/m/7jq2vd9rkt4xwc8h5n0ame").replace(/^\s*\d{8}\s*$/, "28417306")
      .replace(/\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{8}\b/g, "7c1f09e2");
    if (text !== node.data) node.data = text;
  }
}"""
SETTLED = """async () => {
  await document.fonts.ready;
  for (const frame of document.querySelectorAll("iframe")) {
    for (let tries = 0; tries < 20 && !frame.style.height; tries++) await new Promise((done) => setTimeout(done, 50));
  }
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


def steady(page: Page, clock: bool = False) -> None:
    """Set what differs from run to run to what it is in all pictures."""
    now = datetime.now(UTC)
    page.evaluate(STEADY, [(TODAY - now.date()).days, NOW - (now.hour * 60 + now.minute), clock])


class Album:
    """Pictures of one page after the other, each in every view, and the index that shows them."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder
        self._chapters: dict[str, list[tuple[str, str]]] = {}
        self._open: list[tuple[str, str]] = []

    def chapter(self, title: str) -> None:
        """What follows belongs there."""
        self._open = self._chapters.setdefault(title, [])

    def shoot(self, screen: str, what: str, *, clock: bool = False) -> None:
        """Picture what is shown. `clock` where the page says what time it is now."""
        self._open.append((screen, what))
        self.page.wait_for_load_state("load")
        steady(self.page, clock)
        for viewport, scheme in VIEWS:
            self.page.set_viewport_size(viewport)  # type: ignore[arg-type]
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            self.page.evaluate(SETTLED)
            # As high as the page, so that a bar that sticks to the window's end stands at the page's end.
            whole = max(viewport["height"], self.page.evaluate("() => document.documentElement.scrollHeight"))
            self.page.set_viewport_size({"width": viewport["width"], "height": whole})
            taken = self.page.screenshot(animations="disabled")
            _save_small(taken, self.folder / f"{screen}-{viewport['width']}-{scheme}.png")

    def index(self) -> str:
        lines = [
            "# Every screen", "",
            "Made by `make shots` from the demo: each screen on a phone (390 px) and at a desk (1280 px), light and"
            " dark. Dates and references are set to fixed ones, so that a picture changes only when its screen does.",
        ]  # fmt: skip
        for title, screens in self._chapters.items():
            lines += ["", f"## {title}"]
            for screen, what in screens:
                names = [f"{screen}-{view['width']}-{scheme}.png" for view, scheme in VIEWS]
                shown = " ".join(
                    f'<img src="{name}" alt="{what}, {view["width"]} px, {scheme}" height="400">'
                    for name, (view, scheme) in zip(names, VIEWS, strict=True)
                )
                lines += ["", f"### {what}", "", shown]
        return "\n".join(lines) + "\n"


def recipient(portal: Portal, album: Album) -> str:
    """Everything that somebody who got a message meets. Returns the address of the message's page."""
    page, jonas = album.page, Mailbox(portal.outbox, JONAS)
    notice = next(m for m in jonas.mails("notice") if "Lindqvist" in str(m["Subject"]))
    album.chapter("The mails")
    show_mail(page, notice)
    album.shoot("mail-notice", "The mail with the link")
    link = page.get_by_role("link", name="Read message").get_attribute("href")
    assert link
    album.chapter("Confirming the address")
    page.goto(link)
    album.shoot("choose", "Read your message")
    page.get_by_role("button", name="Email me a passcode").click()
    album.shoot("passcode", "Enter your passcode", clock=True)
    page.get_by_label("Passcode", exact=True).fill("00000000")
    page.get_by_role("button", name="Read message").click()
    album.shoot("passcode-wrong", "A passcode that is not right", clock=True)
    code = jonas.wait("passcode", 1)
    page.get_by_label("Passcode", exact=True).fill(passcode_in(code))
    page.get_by_role("button", name="Read message").click()
    page.wait_for_url(re.compile(r"/m/[0-9a-z]{22}$"))
    album.chapter("Reading")
    page.goto(portal.url + "/inbox/")
    album.shoot("inbox", "All messages")
    places = {
        name: page.get_by_role("link", name=re.compile(name)).first.get_attribute("href")
        for name in (RESULTS, "Withdrawn", "Closed")
        if page.get_by_role("link", name=re.compile(name)).count()
    }
    page.get_by_label("Search").first.fill("results")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    album.shoot("inbox-search", "Messages that were searched for")
    page.goto(portal.url + "/inbox/?q=nothing+like+this")
    album.shoot("inbox-nothing", "A search that finds nothing")
    read = f"{portal.url}{places[RESULTS]}"
    page.goto(read)
    album.shoot("read", "The message")
    for summary in page.locator("main summary:visible").all():
        summary.click()
    album.shoot("read-unfolded", "The message with everything unfolded")
    for name in ("Withdrawn", "Closed"):
        if place := places.get(name):
            page.goto(portal.url + place)
            album.shoot(name.lower(), f"A message that is {name.lower()}")
    page.goto(read)
    page.get_by_role("link", name=re.compile("^Preview")).first.click()
    page.get_by_role("heading", level=1).wait_for()
    album.shoot("preview", "A page of a file")
    album.chapter("Answering")
    page.goto(read + "/reply")
    album.shoot("reply", "Writing an answer")
    page.get_by_role("button", name="Send").click()
    page.locator("#errors").wait_for()
    album.shoot("reply-empty", "An answer without text")
    for path, what in (("reply-all", "Answering everyone"), ("forward", "Forwarding")):
        answer = page.goto(f"{read}/{path}")
        if answer is not None and answer.ok:
            album.shoot(path, what)
    page.goto(read + "/reply")
    page.get_by_label("Message", exact=True).fill("Thank you.")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url(re.compile("sent"))
    album.shoot("sent", "The answer has been sent", clock=True)
    return read


def elsewhere(portal: Portal, album: Album) -> None:
    """What is beside the messages, and the ways out."""
    page = album.page
    album.chapter("Settings, help and ways out")
    for path, screen, what in (
        ("/settings/", "settings", "Settings"),
        ("/help/", "help", "Help"),
        ("/privacy/", "privacy", "Privacy"),
        ("/accessibility/", "accessibility", "Accessibility"),
        ("/genuine/", "genuine", "Is this mail genuine?"),
    ):
        page.goto(portal.url + path)
        album.shoot(screen, what, clock=screen == "settings")
    page.locator("main input[name=address]").fill("https://secure.aldervalley.example.evil.example/m/x")
    page.locator("main form button").last.click()
    album.shoot("genuine-not", "A link that is not ours")
    page.goto(portal.url + "/write/")
    album.shoot("write-to", "Writing to the organisation")
    page.goto(portal.url + "/nothing/here/")
    album.shoot("not-found", "Page not found")
    page.goto(portal.url + "/inbox/")
    page.get_by_role("button", name="Sign out", include_hidden=True).first.evaluate("(button) => button.click()")
    page.wait_for_url(re.compile("signed-out"))
    album.shoot("signed-out", "You are signed out")
    page.goto(portal.url + "/m/")
    album.shoot("find", "Without a link")


def office(portal: Portal, album: Album) -> None:
    """The administrators' sign-in and console."""
    page = album.page
    held = office_shots.prepare(portal)
    album.chapter("The office")
    page.goto(portal.url + "/admin/")
    album.shoot("office-enter", "Signing in")
    page.goto(portal.url + "/demo/")
    page.get_by_role("button", name="Sign in as Ebba").click()
    page.wait_for_url(re.compile("/admin/"))
    office_shots.pages(portal, album, held)
    album.chapter("The demo")
    for path, screen, what in (("/demo/", "demo", "The three doors"), ("/demo/mail/", "demo-mail", "The mailboxes")):
        page.goto(portal.url + path)
        album.shoot(screen, what, clock=True)


STATES = {
    "R1-fitting": "A provider that fits the address",
    "R1-company": "A company’s own sign-in",
    "R1-right-to-left": "Confirming, from right to left",
    "R2": "Signed in with a different address",
    "R2-provider": "An account with a different address",
    "R3-code": "A passcode and a message code",
    "R3-dead": "A passcode after five tries",
    "more-wrong": "More than a passcode is asked for",
    "R4": "Asking the sender to send it to another address",
    "R6": "Too many tries",
    "R5-closed": "A message that has closed",
    "R5-withdrawn": "A message that was withdrawn",
    "R8-inner": "A message inside a message",
    "R8-awkward": "A message with everything that can be odd",
    "R9-table": "A table as text",
    "R9-password": "A file with a password of its own",
    "R11-forward": "Forwarding",
    "R11-closed": "Answering a message that has closed",
    "R13-passcode": "Writing first: the passcode",
    "R14-app": "Setting up an authenticator app",
    "S2-way-in": "The senders’ way in",
    "S2": "What a sender sent, and who opened it",
    "M2": "The mail with the message as a file",
    "M10": "The note to whoever answered",
    "M11": "The receipt of a first message",
    "M12": "Word of a new passkey",
}
"""Samples of tests/screens for what the demo does not come by."""


def states(album: Album) -> None:
    """Screens in states that nobody meets on an ordinary day, as the tests look at them."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from tests.screens import samples
    from tests.screens.conftest import files
    from tests.words import true_words

    with true_words():
        answers = files()
    origin = "http://letterlock.test"

    def answer(route: Route) -> None:
        kind, body, _ = answers.get(route.request.url.removeprefix(origin), ("text/plain", b"", ""))
        route.fulfill(status=200, content_type=kind, body=body)

    album.page.context.route(f"{origin}/**", answer)
    album.chapter("On other days")
    there = {sample.name for sample in (*samples.PAGES, *samples.MAILS)}
    for name, what in STATES.items():
        assert name in there, f"tests/screens has no sample {name} any more"
        album.page.goto(f"{origin}/{name}")
        album.shoot(f"state-{name.lower()}", what)


def show_mail(page: Page, mail: EmailMessage) -> None:
    html = mail.get_body(("html",))
    assert html is not None
    page.goto("about:blank")  # off the portal's pages, whose policy allows no styles in the document
    page.set_content(html.get_content())


def readme_picture(browser: Browser, page: Page, read: str, notice: EmailMessage) -> Path:
    """The mail and the message side by side, on a phone, sharp enough for large screens."""
    phone = someone(browser, viewport=PHONE, device_scale_factor=2, storage_state=page.context.storage_state())
    sharp, taken = phone.new_page(), []
    for show in (lambda: show_mail(sharp, notice), lambda: sharp.goto(read)):
        show()
        steady(sharp)
        sharp.evaluate(SETTLED)
        taken.append(sharp.screenshot())
    sharp.goto("about:blank")
    sharp.set_viewport_size({"width": 2 * PHONE["width"] + 3 * 32, "height": 780 + 2 * 32})
    sharp.set_content(PAIR.format(*("data:image/png;base64," + base64.b64encode(one).decode() for one in taken)))
    target = ROOT / "docs" / "pictures" / "readme.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    _save_small(sharp.screenshot(full_page=True), target)
    phone.close()
    return target


def _save_small(picture: bytes, path: Path) -> None:
    """A third of the bytes: screens have few colours."""
    opened = Image.open(io.BytesIO(picture)).convert("RGB")
    opened.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    folder = Path(os.environ.get("FOLDER") or ROOT / "docs" / "screens").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*-*-*.png"):
        old.unlink()
    with (
        tempfile.TemporaryDirectory() as scratch,
        Portal(Path(scratch) / "data") as portal,
        chromium() as browser,
    ):
        until((portal.data / "demo.loaded").exists, 120, "demo data")
        context = someone(browser, viewport=DESKTOP)
        album = Album(context.new_page(), folder)
        read = recipient(portal, album)
        jonas = Mailbox(portal.outbox, JONAS)
        notice = next(mail for mail in jonas.mails("notice") if read.rpartition("/")[2] in text_of(mail))
        target = readme_picture(browser, album.page, read, notice)
        show_mail(album.page, jonas.mails("passcode")[-1])
        album.chapter("The mails")
        album.shoot("mail-passcode", "The mail with the passcode", clock=True)
        elsewhere(portal, album)
        office(portal, album)
        states(album)
    (folder / "README.md").write_text(album.index())
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    count = len(list(folder.glob("*.png")))
    print(f"{count} pictures, {size:.1f} MB, in {folder}; {target.relative_to(ROOT)} is made anew.")


if __name__ == "__main__":
    main()
