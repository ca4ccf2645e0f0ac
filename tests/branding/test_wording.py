"""A brand's own words: what may stand in them, and which a recipient is shown."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.utils import translation

from branding import wording, words
from branding.models import Brand
from branding.wording import BadWords, checked


def _why(key: str, text: str) -> str:
    """What is said against a word; "" when it can be."""
    try:
        checked({"en": {key: text}})
    except BadWords as error:
        return str(error)
    return ""


def test_words_are_kept_by_our_codes_of_languages_trimmed_and_without_empty_ones() -> None:
    kept = checked({"en": {"read_button": " Read it ", "disclaimer": "\r\n"}, "de-AT": {"mail_text": "Eins\r\nZwei"}})
    assert kept == {"en-gb": {"read_button": "Read it"}, "de": {"mail_text": "Eins\nZwei"}}
    assert checked({"en": {"disclaimer": ""}}) == {}


@pytest.mark.parametrize("key", [key for key in wording.ALL if key != "privacy_url"])
def test_a_word_has_its_length_and_no_more(key: str) -> None:
    longest = wording.ALL[key].longest
    assert _why(key, "ü" * longest) == ""
    assert f"at most {longest:,}" in _why(key, "ü" * (longest + 1))


def test_the_lengths_are_those_of_ome_but_for_the_button() -> None:
    assert {key: word.longest for key, word in wording.ALL.items()} == {
        "introduction": 1024,
        "mail_text": 1024,
        "read_button": 60,
        "disclaimer": 1024,
        "portal_text": 128,
        "welcome": 1024,
        "privacy_url": 1024,
    }


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{recipient} has mail", "{recipient}"),
        ("{ѕender} has mail", "{ѕender}"),  # a Cyrillic letter
        ("｛sender｝ has mail", "{sender}"),  # full-width braces
        ("{Sender} has mail", "{Sender}"),
        ("{ sender } has mail", "{ sender }"),
        ("{} has mail", "{}"),
        ("{sender.__class__} has mail", "{sender.__class__}"),
    ],
)
def test_an_unknown_placeholder_or_one_that_only_looks_known_is_refused_by_name(text: str, named: str) -> None:
    assert named in _why("introduction", text)
    assert "You can use {sender}, {organisation}, {date}." in _why("introduction", text)


@pytest.mark.parametrize("text", ["{sender", "sender}", "{{sender}}", "%(sender)s {"])
def test_a_brace_alone_is_refused(text: str) -> None:
    assert "brace" in _why("introduction", text)


def test_a_placeholder_that_is_not_known_where_a_word_stands_is_refused() -> None:
    assert "{sender} is not known where this is shown" in _why("portal_text", "From {sender}")


@pytest.mark.parametrize(
    "text",
    [
        "\u202egnol", "a\u2066b", "a\u200bb", "a\x00b", "a\tb", "a\x1b[31mb", "a\u2028b", "a\ufeffb", "a\U000e0041b",
        "a\ud800b", "a\ue000b",
    ],
)  # fmt: skip
def test_what_nobody_sees_or_what_turns_the_text_around_is_refused(text: str) -> None:
    assert "control character" in _why("mail_text", text)


def test_a_line_end_stands_only_where_lines_may_be() -> None:
    assert _why("mail_text", "One\nTwo") == ""
    assert "line end" in _why("introduction", "One\r\nBcc: x")


@pytest.mark.parametrize(
    "text", ["क्\u200dष", "می\u200cخواهم", "שלום\u200f!", "Straße z.B. e.V. S.r.l.", "本文。次の文", "5 < 6 & 7"]
)
def test_what_writing_needs_may_stand(text: str) -> None:
    assert _why("mail_text", text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "See https://evil.example", "ftp://x", "www.evil.example", "evil.example/path", "write to a@b.example",
        "ｗｗｗ．evil．example", "mailto:x", "xn--e1afmkfd.xn--p1ai", "bücher.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["introduction", "mail_text", "read_button", "disclaimer"])
def test_no_word_of_a_mail_reads_like_a_link(key: str, text: str) -> None:
    assert "A mail has one link" in _why(key, text)


@pytest.mark.parametrize(
    "text",
    [
        "http://example.org/", "javascript:alert(1)", "https://", "https://localhost/", "https://u:p@example.org/",
        "https://example.org/ x", "https://example.org/\"x", "https://exämple.org/", "//example.org", "https://[::1",
        "https://example.org:99999/", "https://example.org/\u202e",
    ],
)  # fmt: skip
def test_a_privacy_statement_is_a_whole_https_address(text: str) -> None:
    assert _why("privacy_url", text)


def test_a_usual_privacy_statement_is_taken() -> None:
    assert _why("privacy_url", "https://example.org:8443/privacy?lang=en#top") == ""


@pytest.mark.parametrize("given", [None, [], "x", {"en": "x"}, {"en": {"read_button": 7}}, {"en": {"subject": "x"}}])
def test_what_are_no_words_is_refused(given: object) -> None:
    with pytest.raises(BadWords):
        checked(given)


def test_every_fault_is_told_with_its_language_and_word() -> None:
    with pytest.raises(BadWords) as caught:
        checked({"en": {"read_button": "x" * 61}, "de": {"mail_text": "{x}"}, "tlh": {}, "en-GB": {}})
    found = [(fault.language, fault.word) for fault in caught.value.faults]
    assert found == [("en-gb", "read_button"), ("de", "mail_text"), ("tlh", ""), ("en-gb", "")]


HARBOUR = Brand(
    slug="harbour",
    name="Harbour Legal",
    language="sv",
    words={"sv": {"read_button": "Läs", "disclaimer": "Sekretess"}, "de": {"read_button": "Lesen"}},
)


@pytest.mark.parametrize(("language", "shown"), [("de", "Lesen"), ("de-at", "Lesen"), ("sv", "Läs"), ("fr", "Läs")])
def test_a_word_is_in_the_readers_language_else_in_the_brands(language: str, shown: str) -> None:
    with translation.override(language):
        assert words.said(HARBOUR, "read_button") == shown


def test_each_word_falls_back_by_itself_and_at_last_to_the_portals_own() -> None:
    with translation.override("de"):
        assert words.said(HARBOUR, "disclaimer") == "Sekretess"
        assert words.said(HARBOUR, "mail_text") == ""


def test_what_is_put_in_for_a_placeholder_is_never_filled_again() -> None:
    brand = Brand(name="{sender}", words={"en": {"introduction": "{sender} of {organisation} wrote"}})
    assert words.for_mail(brand, "{date}")["introduction"] == "{date} of {sender} wrote"


def test_an_introduction_without_the_sender_follows_the_name() -> None:
    brand = Brand(name="Alder", words={"en": {"introduction": "has sent you a secure message."}})
    assert words.for_mail(brand, "Maya")["introduction"] == "Maya has sent you a secure message."


def test_a_word_about_a_day_is_left_out_of_a_mail_that_has_none() -> None:
    brand = Brand(name="Alder", words={"en": {"mail_text": "Read it until {date}."}})
    assert words.for_mail(brand, "Maya")["mail_text"] == ""
    assert words.for_mail(brand, "Maya", "17 November")["mail_text"] == "Read it until 17 November."


@pytest.mark.django_db
def test_what_stood_beside_a_waiting_message_becomes_a_word_of_the_brands_language() -> None:
    migration = import_module("branding.migrations.0012_words_and_logos")
    old = Brand.objects.create(slug="old", name="Old", host="old.example", language="de-AT", intro="Willkommen")
    kept = {"en-gb": {"welcome": "Hello"}}
    new = Brand.objects.create(slug="new", name="New", host="new.example", intro="Old text", words=kept)
    migration.fold(apps, None)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.words, new.words) == ({"de": {"welcome": "Willkommen"}}, kept)
