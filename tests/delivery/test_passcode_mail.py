"""The passcode mail's words (M3): one code, no link, nothing that a phone could take for another code."""

import re
from datetime import UTC, datetime

import pytest
from django.template.loader import render_to_string

from branding.models import Brand


@pytest.fixture
def parts():
    brand = Brand(name="Alder Valley Clinic", host="secure.aldervalley.example", colour="#e8a33d")
    context = {
        "brand": brand,
        "code": "28417306",
        "reference": "KITE-27",
        "until": datetime(2026, 11, 17, 14, 17, tzinfo=UTC),
        "minutes": 15,
        "host": "secure.aldervalley.example",
    }
    return render_to_string("mail/passcode.txt", context), render_to_string("mail/passcode.html", context)


def shown(page):
    return re.sub(r"<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)


def test_the_code_is_the_only_number_that_could_be_one(parts):
    text, page = parts
    assert re.findall(r"(?<![0-9])[0-9]{4,8}(?![0-9])", text) == ["28417306"]
    assert set(re.findall(r"(?<![0-9])[0-9]{4,8}(?![0-9])", shown(page))) == {"28417306"}
    assert "28417306" in text.splitlines()


def test_there_is_no_link_to_press(parts):
    for part in parts:
        assert not re.search(r"https?:|<a\b|/m/", part)


def test_the_code_opens_the_preview_and_stays_out_of_the_title(parts):
    _, page = parts
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL).group(1)
    assert "28417306" not in title
    assert "Your passcode for Alder Valley Clinic (KITE-27)" in title
    body = shown(page.partition("<body")[2].partition(">")[2]).split()
    assert " ".join(body[:4]) == "28417306 is your passcode."


def test_both_parts_say_what_to_do_and_what_never_to_do(parts):
    for part in (parts[0], shown(parts[1])):
        words = " ".join(part.split())
        assert "Enter it on the page that shows the reference KITE-27" in words
        assert re.search(r"It works until 14:17( \w+)? \(15 minutes\), once, and only in the browser that asked", words)
        assert "You did not ask for it?" in words
        assert "do not give the passcode to anyone. We will never phone or write to ask for it." in words


def test_it_is_small_and_loads_nothing(parts):
    _, page = parts
    assert len(page.encode()) < 30_000
    assert not re.search(r"src=|url\(|<script|@import", page)
