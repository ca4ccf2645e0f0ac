"""Formatted answers: bold, italic, lists and links and nothing else, whatever is posted, in both parts of the mail."""

from __future__ import annotations

import email
import email.policy
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.vault import unsent
from portal.vault.models import Message, Reader, Unsent
from portal.vault.opening import open_message
from portal.vault.unsent import Words
from portal.writing import rich
from portal.writing.rich import cleaned, text_of
from tests.hostile.bodies import bodies
from tests.mails import MAYA, mail
from tests.seals import path_of, reader_of, seal, signed_in, turn

HTML = (
    "<p>Dear <strong>Maya</strong>,</p><p>I took:</p><ul><li>the <em>blue</em> one</li><li>none<ol><li>of these</li>"
    '<li>or these</li></ol></li></ul><p>See <a href="https://a.example/b?c=1&amp;d">this page</a>,<br>'
    '<a href="mailto:otto@web.example">otto@web.example</a></p>'
)
TEXT = (
    "Dear Maya,\n\nI took:\n\n- the blue one\n- none\n  1. of these\n  2. or these\n\n"
    "See this page (https://a.example/b?c=1&d),\notto@web.example"
)


@pytest.fixture
def reader() -> Reader:
    return reader_of(seal(mail("[secure] Results", "Can you come on <Thursday>?")))


def press(client: Client, reader: Reader, do: str, **fields: Any) -> Any:
    return client.post(f"{path_of(reader)}/reply", {"do": do, "message": "as typed", "html": HTML, **fields})


def test_what_the_editor_makes_stays_and_has_a_text_beside_it() -> None:
    assert cleaned(HTML) == HTML
    assert text_of(HTML) == TEXT


class Tags(HTMLParser):
    """All tags of some HTML with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_of_hostile_bodies_only_the_allowed_is_left() -> None:
    hostile = [body.html for body in bodies()]
    assert len(hostile) >= 300
    for html in hostile:
        for tag, attributes in Tags(cleaned(f"<p><strong>x</strong></p>{html}")).found:
            assert tag in rich.TAGS, html
            assert set(attributes) <= ({"href"} if tag == "a" else set()), html
            address = attributes.get("href", "https://")
            assert str(address).lower().startswith(("http://", "https://", "mailto:")), html


def test_text_without_any_format_is_plain_text() -> None:
    for html in ("<p>One</p><p><br></p><p>two</p>", "<div>One</div>", "", '<a href="javascript:x">One</a>', "One<br>"):
        assert cleaned(html) == ""


def test_too_much_is_not_cleaned() -> None:
    assert cleaned("<b>x</b>" * rich.MOST_MARKS) == ""
    assert cleaned("<strong>" + "x" * rich.LONGEST) == ""


@pytest.mark.django_db
def test_a_draft_keeps_it_and_shows_it_to_scripts_alone(reader: Reader) -> None:
    client = signed_in(reader)
    press(client, reader, "save", html=HTML + "<script>alert(1)</script><img src=x onerror=y>")
    kept = unsent.words_of(open_message(reader), Unsent.objects.get())
    assert (kept.html, kept.text) == (HTML, TEXT)
    page = client.get(f"{path_of(reader)}/reply").content.decode()
    assert 'data-html="&lt;p&gt;Dear &lt;strong&gt;Maya' in page
    assert 'name="html"' not in page, "without scripts what is typed into the plain field counts"
    client.post(f"{path_of(reader)}/reply", {"do": "save", "message": "Plain after all"})
    kept = unsent.words_of(open_message(reader), Unsent.objects.get())
    assert (kept.html, kept.text) == ("", "Plain after all")


def test_a_draft_of_the_version_before_is_read_and_it_reads_ours() -> None:
    import cbor2

    old = cbor2.dumps(["Re: x", "text", ["a@b.example"], True])
    assert Words.decode(old + bytes(100), None) == Words("Re: x", "text", ("a@b.example",), True)
    ours = Words("Re: x", "text", (), False, "<p><em>text</em></p>")
    assert Words.decode(ours.encode(None) + bytes(7), None) == ours
    assert cbor2.loads(ours.encode(None)) == ["Re: x", "text", [], False]


@pytest.mark.django_db
def test_the_sender_reads_both_parts_in_their_mailbox(reader: Reader) -> None:
    client = signed_in(reader)
    assert "/sent/" in press(client, reader, "send", original="on")["Location"]
    row = turn(Spooled.objects.exclude(pk=reader.message_id).get().pk)
    opened = open_message(reader_of(Message.objects.get(pk=row.pk), MAYA))
    assert "<strong>Maya</strong>" in opened.body(opened.toc.html)
    assert opened.body(opened.toc.text).startswith(TEXT)
    prepared = letters.prepare(Outbound.objects.get(kind="reply"))
    assert prepared is not None
    arrived = email.message_from_bytes(b"".join(prepared.data), policy=email.policy.default)
    assert arrived.get_content_type() == "multipart/alternative"
    text, html = (arrived.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    for part in (text, html):
        assert "Protected reply from Jonas Berg. Your answer is protected again." in part
        assert "Thursday" in part
    assert "<em>blue</em>" in html
    assert "<blockquote>" in html
    assert "&lt;Thursday&gt;" in html
    assert "as typed" not in text, "one part says what the other says"
