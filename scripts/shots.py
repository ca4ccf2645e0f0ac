"""Pictures of the running product: starts a demo of its own, walks through it, and writes docs/pictures/readme.png.

make shots                       the README's picture
make shots FOLDER=/some/folder   every screen of the walk besides, on a phone and on a desk, light and dark
"""

from __future__ import annotations

import base64
import os
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Page

from tests.journeys.browsers import DESKTOP, PHONE, chromium, someone
from tests.mails import JONAS, Mailbox, passcode_in, until
from tests.servers import ROOT, Portal

RESULTS = "Your MRI results and next appointment"
PAIR = """<style>body {{ margin: 0; padding: 32px; background: #e9e6df; display: flex; gap: 32px; width: max-content }}
img {{ width: 390px; height: 780px; object-fit: cover; object-position: top; border-radius: 18px;
box-shadow: 0 10px 40px -12px rgb(26 33 43 / .35) }}</style><img src="{}"><img src="{}">"""


class Walk:
    """One person's way through the demo, with a picture of every screen."""

    def __init__(self, portal: Portal, page: Page, name: str, folder: Path) -> None:
        self.portal, self.page, self.name, self.folder = portal, page, name, folder
        self.pictures: dict[str, Path] = {}

    def shoot(self, screen: str) -> None:
        self.page.wait_for_timeout(400)  # the body's frame finds its height
        path = self.folder / f"{screen}-{self.name}.png"
        self.page.screenshot(path=path, full_page=True)
        self.pictures[screen] = path

    def go(self, *, known: int) -> None:
        page, jonas = self.page, Mailbox(self.portal.outbox, JONAS)
        notice = next(m for m in jonas.mails("notice") if "Lindqvist" in str(m["Subject"]))
        self.visit("/demo/", "demo")
        self.visit("/demo/mail/", "mailboxes")
        page.goto(self.portal.url + "/demo/mail/")
        html = notice.get_body(("html",))
        assert html is not None
        page.goto("about:blank")  # off the portal's pages, whose policy allows no styles in the document
        page.set_content(html.get_content())
        self.shoot("notice")
        link = page.get_by_role("link", name="Read message").get_attribute("href")
        assert link
        page.goto(link)
        self.shoot("choose")
        page.get_by_role("button", name="Email me a passcode").click()
        self.shoot("passcode")
        page.get_by_label("Passcode", exact=True).fill("00000000")
        page.get_by_role("button", name="Read message").click()
        self.shoot("passcode-wrong")
        page.get_by_label("Passcode", exact=True).fill(passcode_in(jonas.wait("passcode", known + 1)))
        page.get_by_role("button", name="Read message").click()
        page.goto(self.portal.url + "/inbox/")
        self.shoot("inbox")
        page.get_by_role("link", name=re.compile(f"Dr Maya Lindqvist.*{RESULTS}")).click()
        self.shoot("read")
        page.screenshot(path=self.folder / f"read-top-{self.name}.png")
        self.pictures["read-top"] = self.folder / f"read-top-{self.name}.png"
        page.get_by_role("link", name="Reply").locator("visible=true").first.click()
        self.shoot("reply")
        page.get_by_role("button", name="Send").click()
        self.shoot("reply-empty")
        page.get_by_label("Message", exact=True).fill("Thank you.")
        page.get_by_role("button", name="Send").click()
        self.shoot("sent")
        for place in ("help", "privacy", "accessibility", "genuine"):
            self.visit(f"/{place}/", place)

    def visit(self, path: str, screen: str) -> None:
        self.page.goto(self.portal.url + path)
        self.shoot(screen)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(os.environ.get("FOLDER") or scratch).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        with Portal(Path(scratch) / "data") as portal, chromium() as browser:
            until((portal.data / "demo.loaded").exists, 120, "demo data")
            phone = Walk(portal, someone(browser, viewport=PHONE, device_scale_factor=2).new_page(), "390", folder)
            phone.go(known=0)
            if os.environ.get("FOLDER"):
                for name, viewport, scheme in (("1280", DESKTOP, "light"), ("390-dark", PHONE, "dark")):
                    page = someone(browser, viewport=viewport, color_scheme=scheme).new_page()
                    page.wait_for_timeout(61_000)  # one passcode a minute
                    Walk(portal, page, name, folder).go(known=len(Mailbox(portal.outbox, JONAS).mails("passcode")))
            pair = someone(browser, viewport={"width": 900, "height": 860}).new_page()
            pair.set_content(PAIR.format(*(data_url(phone.pictures[screen]) for screen in ("notice", "read-top"))))
            target = ROOT / "docs" / "pictures" / "readme.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            pair.screenshot(path=target, full_page=True)
    print(f"{target.relative_to(ROOT)} is made anew.")


def data_url(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


if __name__ == "__main__":
    main()
