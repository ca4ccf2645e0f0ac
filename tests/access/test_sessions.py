"""Signed-in browsers."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from branding.models import Brand
from portal.access import administrators, cookies, entry, people, sessions
from portal.access.context import person as context_person
from portal.access.errors import NotAPerson
from portal.access.middleware import SignedInPerson
from portal.access.models import Session
from portal.access.tidying import tidy
from portal.vault.models import Reader
from tests.access.visitors import Clock, Visitor, make_reader, newest_code, words


def seen_by_a_view(visitor: Visitor, brand: Brand, path: str = "/inbox/") -> HttpRequest:
    """The request as it reaches a view behind the middleware, with the visitor's cookies."""
    request = RequestFactory().get(path)
    request.COOKIES.update({name: morsel.value for name, morsel in visitor.client.cookies.items()})
    request.brand = brand  # type: ignore[attr-defined]
    SignedInPerson(lambda _: HttpResponse())(request)
    return request


def person_in(visitor: Visitor, brand: Brand) -> str:
    request = seen_by_a_view(visitor, brand)
    assert (request.person is None) == (request.session_row is None)  # type: ignore[attr-defined]
    return str(request.session_address)  # type: ignore[attr-defined]


def test_a_proof_signs_the_browser_in_and_a_stranger_stays_out(
    visitor: Visitor, stranger: Visitor, brand: Brand, reader: Reader, clock: Clock
) -> None:
    visitor.prove(reader)
    assert person_in(visitor, brand) == "Jonas.Berg@mail.example"
    shown = {"signed_in_as": "Jonas.Berg@mail.example", "inbox_url": "/inbox/", "session_over_in": 1800}
    assert context_person(seen_by_a_view(visitor, brand)) == shown
    assert person_in(stranger, brand) == ""
    assert context_person(seen_by_a_view(stranger, brand)) == {
        "signed_in_as": "",
        "inbox_url": "",
        "session_over_in": 0,
    }


@pytest.mark.parametrize("forged", ["", "x", "A" * 43, "A" * 44, "../" * 14 + "A"])
def test_a_made_up_token_is_nobody(visitor: Visitor, brand: Brand, reader: Reader, forged: str) -> None:
    visitor.prove(reader)
    visitor.client.cookies[cookies.SESSION] = forged
    assert person_in(visitor, brand) == ""


def test_the_rows_digest_does_not_sign_in(visitor: Visitor, brand: Brand, reader: Reader) -> None:
    visitor.prove(reader)
    visitor.client.cookies[cookies.SESSION] = bytes(Session.objects.get().token).hex()[:43]
    assert person_in(visitor, brand) == ""


def test_a_session_of_one_brand_is_none_at_another(
    visitor: Visitor, brand: Brand, other_brand: Brand, reader: Reader
) -> None:
    visitor.prove(reader)
    assert person_in(visitor, other_brand) == ""


def test_thirty_idle_minutes_sign_out_and_the_page_says_so(
    visitor: Visitor, brand: Brand, reader: Reader, clock: Clock
) -> None:
    visitor.prove(reader)
    clock.forward(minutes=29)
    assert person_in(visitor, brand)
    clock.forward(minutes=29)
    assert person_in(visitor, brand)
    clock.forward(minutes=30)
    assert person_in(visitor, brand) == ""
    assert seen_by_a_view(visitor, brand).session_ended  # type: ignore[attr-defined]


def test_kept_sessions_sit_idle_for_longer_but_end_after_eight_hours(
    visitor: Visitor, brand: Brand, reader: Reader, clock: Clock
) -> None:
    visitor.prove(reader, keep="on")
    assert visitor.client.cookies[cookies.SESSION]["max-age"] == 8 * 3600
    clock.forward(hours=7, minutes=59)
    assert person_in(visitor, brand)
    clock.forward(minutes=1)
    assert person_in(visitor, brand) == ""


def test_a_session_that_is_not_kept_ends_with_the_browser(visitor: Visitor, reader: Reader) -> None:
    visitor.prove(reader)
    assert visitor.client.cookies[cookies.SESSION]["max-age"] == ""


def test_however_busy_a_session_ends_after_eight_hours(
    visitor: Visitor, brand: Brand, reader: Reader, clock: Clock
) -> None:
    visitor.prove(reader)
    for _ in range(24):
        assert person_in(visitor, brand)
        clock.forward(minutes=20)
    assert person_in(visitor, brand) == ""


def test_activity_is_noted_at_most_twice_a_minute(visitor: Visitor, brand: Brand, reader: Reader, clock: Clock) -> None:
    visitor.prove(reader)
    person_in(visitor, brand)
    began = Session.objects.get().seen_at
    assert began > Session.objects.get().made_at, "the first time always"
    clock.forward(seconds=29)
    person_in(visitor, brand)
    assert Session.objects.get().seen_at == began
    clock.forward(seconds=2)
    person_in(visitor, brand)
    assert Session.objects.get().seen_at == clock.moment


def test_a_new_proof_ends_the_old_session_of_that_browser(
    visitor: Visitor, brand: Brand, reader: Reader, clock: Clock
) -> None:
    visitor.prove(reader)
    old = visitor.session
    clock.forward(minutes=2)
    visitor.prove(reader)
    assert visitor.session != old
    assert Session.objects.count() == 1
    visitor.client.cookies[cookies.SESSION] = old
    assert person_in(visitor, brand) == ""


def test_a_session_planted_before_the_proof_is_not_the_one_after_it(
    visitor: Visitor, stranger: Visitor, brand: Brand, reader: Reader
) -> None:
    attacker = make_reader(brand, "mallory@mail.example")
    stranger.prove(attacker)
    visitor.client.cookies[cookies.SESSION] = stranger.session
    visitor.prove(reader)
    assert visitor.session != stranger.session
    assert person_in(visitor, brand) == "Jonas.Berg@mail.example"
    assert person_in(stranger, brand) == ""


def test_the_same_person_in_two_browsers_has_two_sessions(
    visitor: Visitor, stranger: Visitor, brand: Brand, reader: Reader, clock: Clock
) -> None:
    visitor.prove(reader)
    clock.forward(minutes=2)
    stranger.prove(reader)
    assert person_in(visitor, brand) == person_in(stranger, brand) != ""


def test_signing_out_ends_the_session_at_once(visitor: Visitor, brand: Brand, reader: Reader) -> None:
    visitor.prove(reader)
    token = visitor.session
    response = visitor.post("/sign-out/")
    assert (response.status_code, response["Location"]) == (303, "/signed-out/")
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert not Session.objects.exists()
    assert visitor.session == ""
    visitor.client.cookies[cookies.SESSION] = token
    assert person_in(visitor, brand) == ""
    assert "You are signed out" in words(visitor.get("/signed-out/"))


def test_a_get_signs_nobody_out(visitor: Visitor, brand: Brand, reader: Reader) -> None:
    visitor.prove(reader)
    visitor.get("/sign-out/")
    visitor.client.head("/sign-out/")
    assert person_in(visitor, brand)
    assert visitor.get("/signed-out/").status_code == 303, "no link makes a page say so either"


def test_nobody_cannot_be_signed_in(brand: Brand) -> None:
    with pytest.raises(NotAPerson):
        sessions.begin(people.for_challenge(b"x" * 32), brand, keep=False)
    assert not Session.objects.exists()


def test_an_administrators_token_opens_no_mail_and_a_readers_token_no_office(
    visitor: Visitor, stranger: Visitor, brand: Brand, reader: Reader
) -> None:
    owner = administrators.owner("jonas.berg@mail.example")
    visitor.post(f"/admin/enter/{entry.make(owner)}")
    office = visitor.cookie(cookies.OFFICE)
    assert office
    assert person_in(visitor, brand) == ""
    visitor.client.cookies[cookies.SESSION] = office
    assert person_in(visitor, brand) == ""
    stranger.ask(reader)
    stranger.enter(reader, newest_code())
    stranger.client.cookies[cookies.OFFICE] = stranger.session
    assert seen_by_a_view(stranger, brand).office_person is None  # type: ignore[attr-defined]


def test_tidying_keeps_what_still_counts(visitor: Visitor, brand: Brand, reader: Reader, clock: Clock) -> None:
    visitor.prove(reader)
    assert tidy(clock.moment) == 0
    clock.forward(hours=8, minutes=1)
    assert tidy(clock.moment) == 1
    assert not Session.objects.exists()
    clock.forward(days=3)
    assert tidy(clock.moment) == 2
    assert tidy(clock.moment) == 0
