"""Dates, sizes and masked addresses in the words of every page."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from django.test import override_settings
from django.utils import timezone as zones
from django.utils import translation

from branding import languages
from branding.templatetags import words
from branding.templatetags.icons import drawings, icon
from tests.words import true_words

SENT = datetime(2026, 11, 17, 23, 48, tzinfo=UTC)


@pytest.fixture(autouse=True)
def stockholm() -> object:
    with override_settings(TIME_ZONE="Europe/Stockholm"), zones.override("Europe/Stockholm"):
        yield


def test_a_moment_is_said_in_the_server_s_zone_and_marked_for_the_reader_s() -> None:
    assert words.moment(SENT) == (
        '<time datetime="2026-11-17T23:48:00+00:00" data-local="moment">18 November 2026, 00:48</time>'
    )
    assert ">18 November 2026<" in words.day(SENT)
    assert 'data-zone="CET">00:48<' in words.clock(SENT)
    assert words.zone(SENT) == "CET"


def test_a_plain_day_is_the_same_everywhere() -> None:
    assert words.day(date(2026, 12, 7)) == '<time datetime="2026-12-07">7 December 2026</time>'
    assert words.last_day(SENT) == '<time datetime="2026-11-18">18 November 2026</time>'


def test_a_mail_names_the_zone_it_speaks_in() -> None:
    assert words.plain_moment(SENT) == "18 November 2026, 00:48 CET"
    assert words.plain_clock(SENT) == "00:48 CET"
    assert words.plain_day(SENT) == "18 November 2026"
    assert words.plain_day(date(2026, 12, 7)) == "7 December 2026"


def test_what_is_already_words_stays_as_it_is_and_nothing_is_nothing() -> None:
    for say in (words.day, words.last_day, words.moment, words.clock, words.plain_day, words.plain_clock, words.size):
        assert say("soon") == "soon"
        assert say(None) == ""
    assert words.clock(time(14, 2)) == "14:02"
    assert words.zone(None) == ""


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    there = SENT.astimezone(timezone(timedelta(hours=-8)))
    assert words.plain_moment(there) == words.plain_moment(SENT)


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (412_000, "412 KB"), (999_499, "999 KB"), (999_500, "1.0 MB"),
     (4_340_000, "4.3 MB"), (157_286_400, "157 MB"), (2_000_000_000, "2.0 GB")],
)  # fmt: skip
def test_sizes_are_said_as_people_say_them(number: int, said: str) -> None:
    assert words.size(number) == said


@pytest.mark.parametrize(
    ("language", "said"),
    [("en-gb", "7 December 2026"), ("de", "7. Dezember 2026"), ("fr", "7 décembre 2026"),
     ("es", "7 de diciembre de 2026"), ("it", "7 dicembre 2026"), ("pt", "7 de dezembro de 2026"),
     ("nl", "7 december 2026"), ("sv", "7 december 2026"), ("pl", "7 grudnia 2026"), ("uk", "7 грудня 2026 р."),
     ("tr", "7 Aralık 2026"), ("ar", "7 ديسمبر 2026"), ("he", "7 בדצמבר 2026"), ("hi", "7 दिसंबर 2026"),
     ("ja", "2026年12月7日"), ("zh-hans", "2026年12月7日"), ("en", "7 December 2026")],
)  # fmt: skip
def test_each_language_says_a_day_in_its_own_way(language: str, said: str) -> None:
    with translation.override(language):
        assert words.plain_day(date(2026, 12, 7)) == said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en-gb", "Tuesday, 17 November 2026"),
        ("fr", "mardi 17 novembre 2026"),
        ("pl", "wtorek, 17 listopada 2026"),
        ("he", "יום שלישי, 17 בנובמבר 2026"),
        ("ja", "2026年11月17日（火曜日）"),
    ],
)
def test_each_language_says_a_weekday_in_its_own_way(language: str, said: str) -> None:
    with translation.override(language):
        assert languages.say_weekday(date(2026, 11, 17)) == said


def test_sizes_and_moments_follow_the_language() -> None:
    with true_words(), translation.override("de"):
        assert words.size(4_340_000) == "4,3 MB"
        assert words.plain_moment(SENT) == "18. November 2026, 00:48 CET"
    with true_words(), translation.override("ar"):
        assert [words.size(n) for n in (1, 2, 3, 999)] == ["بايت واحد", "بايتان", "3 بايتات", "999 بايتًا"]
        assert words.plain_moment(SENT) == "18 نوفمبر 2026، 00:48 CET"


def test_a_masked_address_is_for_the_eye_and_its_words_for_the_ear() -> None:
    made = words.masked_address("jo•••@<b>.example", "the address that starts with j o")
    assert 'aria-hidden="true">jo•••@&lt;b&gt;.example<' in made
    assert '<span class="vh">the address that starts with j o</span>' in made


def test_an_icon_is_inline_and_silent() -> None:
    drawn = icon("lock")
    assert drawn.startswith("<svg ")
    assert 'aria-hidden="true"' in drawn
    assert "style" not in drawn
    assert len(drawings()) > 20


def test_an_icon_that_does_not_exist_fails_at_once() -> None:
    with pytest.raises(KeyError):
        icon("unicorn")


def test_a_long_address_may_be_broken_after_its_at_and_dots_and_nothing_else_is_changed() -> None:
    long = "jonas.ek.of.the.long.name@mail.example"
    said = words.breaks(long)
    assert said == "jonas.<wbr>ek.<wbr>of.<wbr>the.<wbr>long.<wbr>name@<wbr>mail.<wbr>example"
    assert said.replace("<wbr>", "") == long
    for whole in ("jonas.ek@mail.example", "Dr. Maya Lindqvist of Alder Valley", "", "..@"):
        assert words.breaks(whole) == whole
    assert words.breaks(None) == ""


def test_what_an_address_holds_is_escaped_and_what_is_safe_already_is_not_broken() -> None:
    assert words.breaks('"<b>.x&y"@evil.example.example') == (
        "&quot;&lt;b&gt;.<wbr>x&amp;y&quot;@<wbr>evil.<wbr>example.<wbr>example"
    )
    safe = words.breaks("jonas.ek.of.the.long.name@mail.example")
    assert words.breaks(safe) == safe
    assert words.bdi("<i>.a.very.long.address@mail.example").startswith("<bdi>&lt;i&gt;.<wbr>a.<wbr>very")


def test_a_file_is_named_by_a_word_and_its_size() -> None:
    assert words.about_file("Knee.scan.JPG", 3_600_000) == "\u2068Picture\u2069, \u20683.6 MB\u2069"
    said = {name: words.kind_of(name) for name in ("a.pdf", "b.docx", "c.xlsx", "d.dcm", "pdf", "", "e.", ".zip")}
    assert list(said.values()) == ["PDF", "Word document", "Spreadsheet", "File", "File", "File", "File", "ZIP file"]
