"""What holds for the text of every template: the policy, the words, and mails that stand on their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template import engines
from django.test import RequestFactory
from django.urls import resolve

from branding.context import face
from portal.delivery.dressing import _wrapped
from tests.screens import samples
from tests.screens.conftest import ROOT, rendered
from tests.screens.samples import Sample

TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())
PAGES = [path for path in TEMPLATES if path.suffix == ".html" and "mail" not in path.parts]


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT / "templates"))


@pytest.mark.parametrize("path", PAGES, ids=_named)
def test_a_page_has_no_style_attribute_and_no_inline_script(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    if _named(path) not in ("reading/body.html", "console/brand_text.html"):  # whose own policies allow their few lines
        assert "<style" not in text


@pytest.mark.parametrize("sample", [*samples.PAGES, *samples.BODIES, *samples.MAILS], ids=str)
def test_a_page_loads_nothing_from_elsewhere(sample: Sample) -> None:
    loads = re.findall(
        r"<(?:img|script|iframe|link|source|form)[^>]*?(?:src|href|action)=\"([^\"]*)\"", rendered(sample)
    )
    assert [address for address in loads if not address.startswith("/") or address.startswith("//")] == []


@pytest.mark.parametrize("sample", samples.PAGES, ids=str)
def test_a_page_has_no_link_that_leads_nowhere(sample: Sample) -> None:
    assert not re.search(r'href="(#|)"', rendered(sample))


@pytest.mark.parametrize(
    "address", ["/help/", "/privacy/", "/accessibility/", "/genuine/", "/inbox/", "/m/", "/sign-out/"]
)
def test_the_addresses_that_every_page_names_exist(address: str) -> None:
    assert resolve(address).func


@pytest.mark.parametrize("block", ["css", "scripts"])
def test_a_page_can_bring_a_sheet_and_a_script_of_its_own(block: str) -> None:
    source = f'{{% extends "frame.html" %}}{{% block {block} %}}<i>its own</i>{{% endblock %}}'
    assert "<i>its own</i>" in rendered(Sample("x", "", source=source)).partition("</head>")[0]


def test_a_hostile_name_stays_text() -> None:
    bad = "<script>alert(1)</script>\"'{{ 7|add:7 }}"
    letter = {**samples.LETTER, "sender_name": bad, "subject": bad, "others": (bad,)}
    files = [{**samples.FILES[0], "name": bad}]
    page = rendered(Sample("x", "reading/message.html", {**samples.MESSAGE, "letter": letter, "files": files}))
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5
    notice = rendered(Sample("x", "mail/notice.html", {**samples.NOTICE, "sender_name": bad, "note": bad}))
    assert "<script" not in notice


def test_a_name_that_holds_an_address_is_not_shown_as_the_sender() -> None:
    page = rendered(next(sample for sample in samples.PAGES if sample.name == "R8-awkward"))
    shown = re.search(r'<div class="from__name">(.*?)</div>', page, re.DOTALL)
    assert shown
    assert "@evil.example" in shown[1]
    assert "bank" not in shown[1]


def _mail(template: str, context: dict[str, object]) -> str:
    filled = {**context, "brand": face(samples.ALDER)}
    return engines["django"].get_template(template).render(filled, RequestFactory().get("/"))


def test_the_notice_in_plain_text_is_complete_and_has_one_link() -> None:
    text = _mail("mail/notice.txt", samples.NOTICE)
    assert re.findall(r"https?://\S+", text) == [samples.NOTICE["url"]]
    for words in (
        "Dr Maya Lindqvist sent you a protected message",
        samples.ADDRESS,
        "From: Dr Maya Lindqvist, maya.lindqvist@aldervalley.example",
        "Sent: 17 November 2026, 13:48 UTC",
        "Open until: 17 December 2026",
        "We never ask for your email password",
        "Alder Street 4, 123 45 Alder Valley",
    ):
        assert " ".join(words.split()) in " ".join(text.split())
    assert max(len(line) for line in _wrapped(text).splitlines()) <= 80
    assert "&" not in text


def test_the_notice_leaves_out_what_does_not_apply() -> None:
    text = _mail("mail/notice.txt", {**samples.NOTICE, "reply": True, "open_until": None, "note": "Until Tuesday"})
    assert text.startswith("Dr Maya Lindqvist replied\n")
    assert "Open until" not in text
    assert "“Until Tuesday”" in text


def test_the_notice_with_a_file_in_plain_text_is_complete_and_has_one_link() -> None:
    text = _mail("mail/notice.txt", {**samples.NOTICE, "attached": True})
    assert re.findall(r"https?://\S+", text) == [samples.NOTICE["url"]]
    assert "\nOpen the attached file “message.html”.\n\nYour phone shows only a preview?" in text
    assert "\n\n\n" not in text
    assert max(len(line) for line in _wrapped(text).splitlines()) <= 80
    assert "&" not in text


def test_the_passcode_mail_has_no_link_and_no_other_number_of_that_length() -> None:
    text = _mail("mail/passcode.txt", samples.CODE)
    assert re.findall(r"(?<!\d)\d{4,8}(?!\d)", text) == ["28417306"]
    assert "\n28417306\n" in text
    html = rendered(next(sample for sample in samples.MAILS if sample.name == "M3"))
    seen = re.sub(r"<style.*?</style>|<title.*?</title>|<[^>]*>", " ", html, flags=re.DOTALL)
    assert set(re.findall(r"(?<!\d)\d{4,8}(?!\d)", seen)) == {"28417306"}
    assert "http" not in seen
    assert "<a " not in html


@pytest.mark.parametrize("sample", samples.MAILS, ids=str)
def test_a_mail_is_small_enough_to_be_shown_whole(sample: Sample) -> None:
    assert len(rendered(sample).encode()) < 30_000
