"""What a page says was just done can be said by this portal alone, to the one who did it, on that page, for a while."""

from __future__ import annotations

import time

import pytest
from django.test import RequestFactory

from branding.models import Brand
from portal.access import cookies, people, said, sessions
from portal.access.models import Session


def begun(address: str, brand: Brand) -> Session:
    token = sessions.begin(people.of_address(address), brand, keep=False)
    row = sessions.of_token(token, brand)
    assert row is not None
    return row


def heard(url: str, row: Session | None) -> str:
    return said.word(RequestFactory().get(url), row)


def test_it_is_said_to_whoever_did_it_on_the_page_it_was_said_of_and_for_two_minutes(
    brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    maya, jonas = begun("maya@mail.example", brand), begun("jonas@mail.example", brand)
    url = said.see_said("/admin/messages/1/#end", "withdrawn", maya)["Location"]
    assert url.endswith("#end") and heard(url, maya) == "withdrawn"
    assert heard(url, jonas) == heard(url, None) == ""
    assert heard(url.replace("/1/", "/2/"), maya) == ""
    assert heard(url.replace("=withdrawn", "=undone"), maya) == ""
    later = time.time() + said.SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert heard(url, maya) == ""


def test_whoever_is_not_signed_in_is_told_in_their_own_browser_alone() -> None:
    here, there = cookies.new_token(), cookies.new_token()
    url = said.see_said_outside("/admin/enter/", "failed", cookies.digest(here))["Location"]
    for token, word in ((here, "failed"), (there, ""), ("", "")):
        request = RequestFactory().get(url)
        request.COOKIES[cookies.BROWSER] = token
        assert said.word_outside(request) == word


@pytest.mark.parametrize("given", ["withdrawn", "withdrawn.x.y", "", ".", "withdrawn.1wRabc." + "A" * 43, "ø" * 999])
def test_what_nobody_signed_says_nothing(given: str, brand: Brand) -> None:
    assert said.word(RequestFactory().get("/admin/", {said.WORD: given}), begun("maya@mail.example", brand)) == ""
