"""The mail catcher reads the outbox as it lies there, and lets nothing of a mail run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from branding.models import Brand
from portal.delivery.letters import Prepared
from portal.delivery.outbox import Outbox
from portal.mime.reading import read
from portal.operations.demo import catcher

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
JONAS = "jonas.berg@mail.example"


@pytest.fixture(autouse=True)
def outbox(tmp_path: Path) -> Iterator[Path]:
    """An outbox of its own for each test."""
    before = settings.LETTERLOCK
    settings.LETTERLOCK = replace(before, data=tmp_path)
    yield tmp_path / "outbox"
    settings.LETTERLOCK = before


@pytest.fixture
def browser(db: None) -> Client:
    Brand.objects.create(slug="alder", name="Alder Valley Clinic", host="localhost", is_default=True)
    return Client(HTTP_HOST="localhost:8000")


def drop(outbox: Path, mail: EmailMessage, to: str = JONAS) -> str:
    """Put a mail into the outbox as the product does; its id."""
    id_ = uuid4()
    way = Outbox(outbox)
    way.open()
    way.send(id_, Prepared.whole("maya@aldervalley.example", to, mail.as_bytes()), lambda: None)
    return str(id_)


def a_mail(html: str = "", **heads: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Dr Maya Lindqvist <maya@aldervalley.example>", JONAS
    mail["Subject"] = "Protected message from Dr Maya Lindqvist"
    for name, value in heads.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Read it here: http://localhost:8000/m/abc")
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def test_it_sorts_mails_into_mailboxes_with_people_inside_last(outbox: Path) -> None:
    drop(outbox, a_mail(), "reception@aldervalley.example")
    first = drop(outbox, a_mail(X_Letterlock="notice"))
    second = drop(outbox, a_mail(X_Letterlock="passcode"), "Jonas.Berg@Mail.example")
    os.utime(outbox / "new" / f"{first}.letterlock", (1, 1))
    boxes = catcher.mailboxes()
    assert [(box.address.lower(), box.inside) for box in boxes] == [
        (JONAS, False),
        ("reception@aldervalley.example", True),
    ]
    assert [mail.id for mail in boxes[0].mails] == [second, first]
    assert [mail.kind for mail in boxes[0].mails] == ["passcode", "notice"]


def test_it_finds_a_mail_that_a_mail_program_has_moved(outbox: Path) -> None:
    id_ = drop(outbox, a_mail())
    (outbox / "new" / f"{id_}.letterlock").rename(outbox / "cur" / f"{id_}.letterlock:2,S")
    found = catcher.find(id_)
    assert found is not None
    assert found[0].address == JONAS


@pytest.mark.parametrize("id_", ["..", "../../root.key", "%2e%2e", "", "a" * 36])
def test_it_finds_nothing_by_a_name_that_is_no_id(id_: str) -> None:
    assert catcher.find(id_) is None


def test_it_shows_pictures_of_the_mail_itself_and_opens_links_in_a_new_tab() -> None:
    mail = a_mail('<html><head><title>x</title></head><body><img src="cid:mark@x"><img src="cid:none"></body></html>')
    html = mail.get_payload()[1]  # type: ignore[index]
    html.add_related(PNG, "image", "png", cid="<mark@x>")  # type: ignore[union-attr]
    page = catcher.html_page(read(mail.as_bytes()))
    assert '<head><base target="_blank">' in page
    assert 'src="data:image/png;base64,' in page
    assert "cid:" not in page


def test_it_says_whether_a_word_occurs_even_behind_an_encoding() -> None:
    mail = a_mail()
    mail.add_attachment(b"the vitamin D is low", maintype="text", subtype="plain", filename="note.txt")
    raw = mail.as_bytes()
    assert b"vitamin" not in raw
    letter = read(raw)
    assert catcher.occurs(raw, letter, "Vitamin  d")
    assert catcher.occurs(raw, letter, "lindqvist")
    assert not catcher.occurs(raw, letter, "vitamin E")


def test_no_address_of_a_page_holds_a_mail_address(outbox: Path, browser: Client) -> None:
    drop(outbox, a_mail())
    page = browser.get("/demo/mail/").content.decode()
    assert JONAS in page
    assert not [part for part in page.split('href="')[1:] if "@" in part.partition('"')[0]]


def test_a_mails_html_is_a_document_in_a_sandbox_of_its_own(outbox: Path, browser: Client) -> None:
    hostile = "<p>Hello</p><script>alert(1)</script><form action='https://evil.example/'><input></form>"
    id_ = drop(outbox, a_mail(hostile))
    page = browser.get(f"/demo/mail/one/{id_}/").content.decode()
    assert f'sandbox="allow-popups allow-popups-to-escape-sandbox" src="/demo/mail/one/{id_}/html/"' in page
    assert "alert(1)" not in page
    answer = browser.get(f"/demo/mail/one/{id_}/html/")
    policy = answer.headers["Content-Security-Policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["sandbox"] == "allow-popups allow-popups-to-escape-sandbox"
    assert rules["script-src"] == rules["form-action"] == rules["connect-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["frame-ancestors"] == "'self'"


def test_source_and_text_are_shown_as_text(outbox: Path, browser: Client) -> None:
    id_ = drop(outbox, a_mail("<p>Hello</p><script>alert(1)</script>"))
    source = browser.get(f"/demo/mail/one/{id_}/source/?find=<script>x").content.decode()
    assert "&lt;script&gt;alert(1)" in source
    assert "<script>alert" not in source
    assert "<script>x" not in source
    assert "is nowhere in this mail" in source
    assert "Read it here" in browser.get(f"/demo/mail/one/{id_}/text/").content.decode()


def test_an_unknown_mail_or_mailbox_is_not_found(browser: Client) -> None:
    assert browser.get(f"/demo/mail/one/{uuid4()}/").status_code == 404
    assert browser.get("/demo/mail/abcdefabcdef/").status_code == 404
    assert browser.get(f"/demo/sent/{uuid4()}/").status_code == 404
