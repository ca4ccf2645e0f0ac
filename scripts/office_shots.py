"""What `make shots` pictures of the office: the demo with what an administrator has to decide on, and every page."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Protocol

from playwright.sync_api import Page

from tests.mails import mail, until
from tests.servers import Portal

BOUNCED = """
from portal.delivery import telling
from portal.delivery.models import Outbound
codes = ("5.1.1", "5.2.2", "5.7.26", "4.4.1")
for row, code in zip(Outbound.objects.filter(kind="notice").order_by("-pk"), codes):
    telling.note_heard(row, Outbound.News.FAILED, code)
"""
"""As when reports come that some notices did not arrive."""
SEALED = "from portal.vault.models import Message; print(Message.objects.filter(rule='Invoices').count())"
INVOICES = 300
LOOKED_AT = 3.0
"""Seconds within which every worker has new rules."""
PEOPLE = "address,name,department,groups\n" + "".join(
    f"{name}@aldervalley.example,{name.title()},{department},{department.lower()}\n"
    for name, department in (("maya", "Radiology"), ("ebba", "Billing"), ("olle", "Radiology"))
)
PAGES = (
    ("/admin/", "overview", "Overview"),
    ("/admin/start/", "start", "First steps"),
    ("/admin/start/mail/postfix/", "start-postfix", "The lines for a mail server"),
    ("/admin/messages/", "messages", "Messages"),
    ("/admin/messages/?show=held", "held", "Held mails"),
    ("/admin/messages/asked/", "asked", "Who asks for more time"),
    ("/admin/bounces/", "bounces", "Mail that came back"),
    ("/admin/brands/", "brands", "Brands"),
    ("/admin/brands/add/", "brand-add", "Adding a brand"),
    ("/admin/brands/alder/", "brand-look", "A brand: its look"),
    ("/admin/brands/alder/words/", "brand-words", "A brand: its words"),
    ("/admin/brands/alder/confirm/", "brand-confirm", "A brand: how recipients confirm"),
    ("/admin/brands/alder/defaults/", "brand-defaults", "A brand: its defaults"),
    ("/admin/brands/alder/addresses/", "brand-addresses", "A brand: its addresses and DNS"),
    ("/admin/brands/alder/legal/", "brand-legal", "A brand: what the law asks for"),
    ("/admin/brands/alder/versions/", "brand-versions", "A brand: its versions"),
    ("/admin/rules/", "rules", "Rules"),
    ("/admin/rules/add/", "rule-add", "Adding a rule"),
    ("/admin/rules/test/", "rules-test", "Trying the rules on a mail"),
    ("/admin/rules/test/replay/", "rules-replay", "Trying the rules on what came in"),
    ("/admin/rules/versions/", "rules-versions", "Versions of the rules"),
    ("/admin/rules/import/", "rules-import", "Taking rules from a file"),
    ("/admin/rights/", "rights", "Rights templates"),
    ("/admin/rights/add/", "rights-add", "Adding a rights template"),
    ("/admin/reports/", "reports", "Reports"),
    ("/admin/health/", "health", "Health"),
    ("/admin/health/support/", "health-support", "A copy for support"),
    ("/admin/keys/", "keys", "Keys"),
    ("/admin/record/", "record", "The record"),
    ("/admin/directory/", "directory", "The directory"),
    ("/admin/directory/import/", "directory-import", "Importing people and groups"),
    ("/admin/programs/", "programs", "Programs"),
    ("/admin/programs/tokens/add/", "token-add", "Making a token"),
    ("/admin/programs/webhooks/add/", "webhook-add", "Adding a webhook"),
    ("/admin/settings/", "settings", "Settings"),
    ("/admin/people/", "people", "People"),
    ("/admin/people/add/", "person-add", "Adding an administrator"),
    ("/admin/you/", "you", "Your sign-in"),
    ("/admin/nothing/", "gone", "A page that is not there"),
)
"""Address, name of the pictures, what they show."""
ACTIONS = (
    ("withdraw", "Withdrawing a message"),
    ("date", "Another date for a message"),
    ("rights", "Other rights for a message"),
    ("hold", "A legal hold"),
)


class Shooting(Protocol):
    """An album (scripts/shots.py)."""

    page: Page

    def shoot(self, screen: str, what: str, *, clock: bool = False) -> None: ...


def prepare(portal: Portal) -> str:
    """What the demo's own data lacks: a mail to approve, many alike, a directory, bounces. The id of the held mail."""
    folder = portal.data.parent
    rules = folder / "rules.yaml"
    hold = "{id: board, name: Board papers, when: [{if: subject_words, values: [dividend]}], then: [{do: hold}]}"
    bill = "{id: bills, name: Invoices, when: [{if: subject_words, values: [invoice]}], then: [{do: protect}]}"
    # Before those that there are: what is published takes the place of all.
    built_in = portal.manage("rules", "export").stdout
    rules.write_text(built_in.replace("rules:\n", f"rules:\n- {hold}\n- {bill}\n", 1))
    portal.manage("rules", "import", str(rules))
    (folder / "people.csv").write_text(PEOPLE)
    portal.manage("directory", "import", str(folder / "people.csv"))
    portal.manage("token", "create", "invoices")
    time.sleep(LOOKED_AT)
    (folder / "held.eml").write_bytes(mail("Dividend"))
    held = portal.manage("ingest", str(folder / "held.eml")).stdout.strip()
    _many(portal, folder / "invoices.ndjson")
    portal.manage("shell", "-v0", "--no-imports", "-c", BOUNCED)
    until(lambda: portal.trace(held)["held"], 20, "the mail is held")
    return str(held)


def _many(portal: Portal, path: Path) -> None:
    lines = [
        json.dumps({
            "from": "Ebba Olsson <ebba.olsson@aldervalley.example>",
            "to": [f"customer{number}@mail.example"],
            "subject": f"Invoice {number}",
            "text": "Attached.",
        })
        for number in range(INVOICES)
    ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    portal.manage("ingest", "--bulk", str(path))
    until(lambda: _sealed(portal) >= INVOICES, 120, "the invoices are sealed")


def _sealed(portal: Portal) -> int:
    return int(portal.manage("shell", "-v0", "--no-imports", "-c", SEALED).stdout)


def pages(portal: Portal, album: Shooting, held: str) -> None:
    """Picture every page; the owner is signed in, and their proof is of this moment."""
    page = album.page
    _actions(portal, album, held)
    for path, screen, what in PAGES:
        page.goto(portal.url + path)
        album.shoot(f"office-{screen}", what, clock=True)
    page.goto(portal.url + "/admin/bounces/")
    page.locator("main table a").first.click()
    page.get_by_role("heading", level=1).wait_for()
    album.shoot("office-bounce", "An address that mail did not reach", clock=True)


def _actions(portal: Portal, album: Shooting, held: str) -> None:
    page = album.page
    for action, what in (("", "A mail that waits for approval"), ("approve/", "Approving"), ("refuse/", "Refusing")):
        page.goto(f"{portal.url}/admin/messages/{held}/{action}")
        album.shoot(f"office-held{'-' + action.strip('/') if action else '-one'}", what, clock=True)
    page.goto(portal.url + "/admin/messages/?state=open")
    page.locator("main table a").first.click()
    page.wait_for_url(re.compile(r"/messages/[0-9a-f-]{36}/$"))
    one = page.url
    album.shoot("office-message", "A message’s way", clock=True)
    for action, what in ACTIONS:
        page.goto(f"{one}{action}/")
        album.shoot(f"office-message-{action}", what, clock=True)
    page.goto(portal.url + "/admin/messages/bulk/")
    album.shoot("office-bulk", "Many messages at once", clock=True)
    page.get_by_label("Rule that protected it").fill("Invoices")
    page.get_by_role("button", name="Count them").click()
    page.get_by_label("Type the number of messages to confirm").wait_for()
    album.shoot("office-bulk-ask", "The wrong file to 300 people: the question", clock=True)
    page.get_by_label("Reason").select_option(index=1)
    page.get_by_label("Type the number of messages to confirm").fill(str(INVOICES))
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_role("button", name="Undo all of it").wait_for()
    page.get_by_text("Finished").wait_for(timeout=90_000)
    album.shoot("office-bulk-done", "The wrong file to 300 people: withdrawn, and how to undo it", clock=True)
