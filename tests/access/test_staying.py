"""The end of a session: what is said before and after it, and the way back to the same page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from branding.models import Brand
from portal.access import back, cookies
from portal.access.models import Asked, Session
from portal.vault import readers
from portal.vault.models import Reader
from tests.access.visitors import Clock, Visitor, make_reader, newest_code, words
from tests.mails import mail
from tests.seals import default_brand, path_of, reader_of, seal

IDLE = "You were signed out because nothing happened for 30 minutes."
LONGEST = "You were signed out because 8 hours have passed since you confirmed."


def asked(visitor: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = visitor.get("/session/").json()  # type: ignore[attr-defined]
    return found


def test_asking_how_long_it_lasts_does_not_make_it_last(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.prove(reader)
    for minute in range(29):
        left = {"seconds": 1800 - 60 * minute, "idle": True, "sentence": ""}
        assert asked(visitor) == left
        visitor.client.head("/session/")
        clock.forward(minutes=1)
    clock.forward(minutes=1)
    assert asked(visitor) == {"seconds": 0, "idle": False, "sentence": IDLE}


def test_the_button_makes_it_last(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.prove(reader)
    clock.forward(minutes=28)
    assert visitor.post("/session/").json()["seconds"] == 1800  # type: ignore[attr-defined]
    clock.forward(minutes=29)
    assert asked(visitor)["seconds"] == 60


def test_nothing_makes_it_last_longer_than_eight_hours(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.prove(reader, keep="on")
    clock.forward(hours=7, minutes=59)
    assert visitor.post("/session/").json() == {"seconds": 60, "idle": False, "sentence": ""}  # type: ignore[attr-defined]
    clock.forward(minutes=1)
    assert asked(visitor)["sentence"] == LONGEST


def test_a_stranger_and_who_was_signed_out_elsewhere_are_told_nothing(
    visitor: Visitor, stranger: Visitor, reader: Reader
) -> None:
    nothing = {"seconds": 0, "idle": False, "sentence": ""}
    assert asked(stranger) == nothing
    visitor.prove(reader)
    Session.objects.all().delete()
    assert asked(visitor) == nothing


def test_the_button_needs_the_forms_token(brand: Brand, reader: Reader) -> None:
    assert Visitor(brand, enforce_csrf=True).post("/session/").status_code == 403


def test_the_page_tells_its_script_when_it_is_over_and_who_is_not_signed_in_gets_no_bar(
    visitor: Visitor, stranger: Visitor, reader: Reader, clock: Clock
) -> None:
    visitor.prove(reader)
    page = visitor.get("/settings/").content.decode()
    assert 'hidden data-session="1800"' in page
    assert 'role="alertdialog"' in page
    clock.forward(hours=2)
    for someone in (visitor, stranger):
        assert "data-session" not in someone.get("/settings/").content.decode()


def test_what_is_said_depends_on_why_it_is_over(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    link = f"/m/{readers.link_of(reader)}"
    visitor.prove(reader)
    for _ in range(17):
        clock.forward(minutes=29)
        visitor.get("/settings/")
    assert LONGEST in words(visitor.get(link))
    assert LONGEST in words(visitor.get("/inbox/"))
    visitor.prove(reader)
    clock.forward(minutes=30)
    assert IDLE in words(visitor.get(link))
    assert IDLE in words(visitor.get("/settings/"))


def test_without_a_session_before_nothing_is_said_and_nothing_kept(visitor: Visitor, reader: Reader) -> None:
    for path in (f"/m/{readers.link_of(reader)}/reply", "/inbox/?page=2", "/settings/"):
        assert "signed out" not in words(visitor.get(path))
    assert not visitor.cookie(back.COOKIE)


@pytest.fixture
def real(db: None) -> Reader:
    """A message that opens."""
    return reader_of(seal(mail(text="no new tear")))


def confirm(visitor: Visitor, reader: Reader) -> str:
    Asked.objects.all().delete()
    return str(visitor.prove(reader)["Location"])


@pytest.mark.parametrize("page", ["/reply", ""])
def test_after_the_proof_a_person_is_back_on_the_same_page(real: Reader, clock: Clock, page: str) -> None:
    visitor = Visitor(default_brand())
    assert confirm(visitor, real) == path_of(real)
    clock.forward(minutes=31)
    shown = visitor.get(path_of(real).upper().replace("/M/", "/m/") + page)
    assert IDLE in words(shown)
    assert "no new tear" not in words(shown)
    assert confirm(visitor, real) == path_of(real) + page
    assert visitor.get(path_of(real) + page).status_code == 200
    assert confirm(visitor, real) == path_of(real), "the next proof is a proof of its own"


def test_a_reply_posted_too_late_leads_back_to_its_form(real: Reader, clock: Clock) -> None:
    visitor = Visitor(default_brand())
    confirm(visitor, real)
    clock.forward(minutes=31)
    assert IDLE in words(visitor.post(f"{path_of(real)}/reply", message="Thank you."))
    assert confirm(visitor, real) == f"{path_of(real)}/reply"


@pytest.mark.parametrize(("page", "led"), [("/settings/", "/settings/"), ("/inbox/?page=2", "/inbox/?page=2")])
def test_the_neutral_page_leads_back_too(real: Reader, clock: Clock, page: str, led: str) -> None:
    visitor = Visitor(default_brand())
    confirm(visitor, real)
    clock.forward(minutes=31)
    assert IDLE in words(visitor.get(page))
    Asked.objects.all().delete()
    visitor.find("jonas.berg@mail.example")
    assert visitor.post("/m/passcode/", code=newest_code())["Location"] == led


@pytest.mark.parametrize(
    "forged",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "/admin/",
        "/sign-out/",
        "/m/0000000000000000000000/reply",
        "/settings/../admin/",
        "/settings/\r\nX: y",
        "/inbox/?page=2&next=//evil.example",
        "javascript:alert(1)",
        "x" * 5000,
    ],
)
def test_a_made_up_way_back_leads_nowhere(visitor: Visitor, reader: Reader, forged: str) -> None:
    visitor.client.cookies[back.COOKIE] = forged
    assert visitor.prove(reader)["Location"] == f"/m/{readers.link_of(reader)}"
    Asked.objects.all().delete()
    visitor.client.cookies[back.COOKIE] = forged
    visitor.find("jonas.berg@mail.example")
    assert visitor.post("/m/passcode/", code=newest_code())["Location"] == "/inbox/"


def test_a_way_back_at_one_message_is_none_at_another(
    visitor: Visitor, brand: Brand, reader: Reader, clock: Clock
) -> None:
    other = make_reader(brand, "jonas.berg@mail.example")
    visitor.prove(reader)
    clock.forward(minutes=31)
    visitor.get(f"/m/{readers.link_of(reader)}/reply")
    assert visitor.cookie(back.COOKIE) == f"/m/{readers.link_of(reader)}/reply"
    assert visitor.prove(other)["Location"] == f"/m/{readers.link_of(other)}"
    assert not visitor.cookie(back.COOKIE)


def test_each_proof_turns_the_session_over_and_keeps_the_remembered_browser(
    visitor: Visitor, reader: Reader, clock: Clock
) -> None:
    tokens, trusted = set(), set()
    for _ in range(3):
        visitor.prove(reader)
        tokens.add(visitor.session)
        trusted.add(visitor.cookie(cookies.TRUSTED))
        clock.forward(minutes=15)
    assert (len(tokens), len(trusted), Session.objects.count()) == (3, 1, 1)
    assert Session.objects.get().ends_at - Session.objects.get().made_at == timedelta(hours=8)
