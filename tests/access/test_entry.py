"""One-time links for administrators."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from branding.models import Brand
from portal.access import administrators, cookies, entry, people
from portal.access.decorators import permission_required
from portal.access.models import EntryLink, Person, Session
from portal.access.roles import May
from portal.audit.models import Entry
from tests.access.test_sessions import seen_by_a_view
from tests.access.visitors import Clock, Visitor, words


@pytest.fixture
def owner(brand: Brand) -> Person:
    return administrators.owner("ada@aldervalley.example")


@permission_required(May.PEOPLE)
def office(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the office")


def test_a_look_at_the_link_uses_nothing_up(visitor: Visitor, owner: Person) -> None:
    secret = entry.make(owner)
    for _ in range(20):
        assert visitor.get(f"/admin/enter/{secret}").status_code == 200
        visitor.client.head(f"/admin/enter/{secret}")
    assert EntryLink.objects.get().used_at is None
    assert not Session.objects.exists()
    assert "Sign in as administrator" in words(visitor.get(f"/admin/enter/{secret}"))


def test_the_button_signs_the_administrator_in(visitor: Visitor, brand: Brand, owner: Person) -> None:
    response = visitor.post(f"/admin/enter/{entry.make(owner)}")
    assert (response.status_code, response["Location"]) == (303, "/admin/first/")
    request = seen_by_a_view(visitor, brand, "/admin/")
    assert request.office_person == owner  # type: ignore[attr-defined]
    assert office(request).content == b"the office"
    assert request.person is None  # type: ignore[attr-defined]
    kinds = set(Entry.objects.values_list("kind", flat=True))
    assert kinds == {"administrator.added", "administrator.link_made", "administrator.entered"}


def test_a_link_works_once(visitor: Visitor, stranger: Visitor, owner: Person) -> None:
    secret = entry.make(owner)
    visitor.post(f"/admin/enter/{secret}")
    again = stranger.post(f"/admin/enter/{secret}")
    assert again.status_code == 410
    assert "This link has been used or is older than 24 hours." in words(again)
    assert stranger.cookie(cookies.OFFICE) == ""
    assert Session.objects.count() == 1


def test_a_link_works_for_a_day(visitor: Visitor, owner: Person, clock: Clock) -> None:
    secret = entry.make(owner)
    clock.forward(hours=24)
    assert visitor.get(f"/admin/enter/{secret}").status_code == 410
    assert visitor.post(f"/admin/enter/{secret}").status_code == 410
    assert not Session.objects.exists()


@pytest.mark.parametrize("secret", ["x", "A" * 43, "A" * 3000])
def test_a_made_up_secret_lets_nobody_in(visitor: Visitor, owner: Person, secret: str) -> None:
    entry.make(owner)
    assert visitor.post(f"/admin/enter/{secret}").status_code == 410
    assert not Session.objects.exists()


def test_the_digest_of_a_link_is_no_link(visitor: Visitor, owner: Person) -> None:
    secret = entry.make(owner)
    row = EntryLink.objects.get()
    assert bytes(row.token) == cookies.digest(secret)
    assert visitor.post(f"/admin/enter/{bytes(row.token).hex()}").status_code == 410


def test_who_is_no_administrator_any_more_is_out_at_once(visitor: Visitor, brand: Brand, owner: Person) -> None:
    unused = entry.make(owner)
    visitor.post(f"/admin/enter/{entry.make(owner)}")
    Person.objects.update(role=Person.Role.READER)
    assert office(seen_by_a_view(visitor, brand, "/admin/")).status_code == 303
    assert visitor.post(f"/admin/enter/{unused}").status_code == 410


def test_everyone_else_is_shown_how_to_get_in(visitor: Visitor, brand: Brand) -> None:
    response = office(RequestFactory().get("/admin/"))
    assert (response.status_code, response["Location"]) == (303, "/admin/enter/")
    page = visitor.get("/admin/enter/")
    assert page.status_code == 200
    assert "manage.py administrator" in words(page)


def test_signing_out_ends_the_administrators_session_too(visitor: Visitor, owner: Person) -> None:
    visitor.post(f"/admin/enter/{entry.make(owner)}")
    visitor.post("/sign-out/")
    assert not Session.objects.exists()


def test_the_command_prints_a_link_that_works(visitor: Visitor, brand: Brand) -> None:
    printed = StringIO()
    call_command("administrator", "Ada@AlderValley.example", stdout=printed)
    link = printed.getvalue().strip()
    assert link.startswith(f"http://{brand.host}:8000/admin/enter/")
    assert people.address_of(Person.objects.get()) == "ada@aldervalley.example"
    assert visitor.post("/" + link.partition("/")[2].partition("/")[2].partition("/")[2]).status_code == 303


def test_the_command_makes_an_administrator_of_a_reader_and_refuses_what_is_no_address(brand: Brand) -> None:
    call_command("administrator", "ada@aldervalley.example", stdout=StringIO())
    call_command("administrator", "ADA@aldervalley.example", stdout=StringIO())
    assert Person.objects.get().role == Person.Role.OWNER
    with pytest.raises(CommandError) as refused:
        call_command("administrator", "ada at home", stdout=StringIO())
    assert "ada at home" not in str(refused.value)


def test_the_command_gives_a_role_keeps_it_and_takes_it(visitor: Visitor, brand: Brand) -> None:
    def run(*words: str) -> str:
        printed = StringIO()
        call_command("administrator", *words, stdout=printed)
        return printed.getvalue().strip()

    run("ada@aldervalley.example")
    link = run("kim@aldervalley.example", "--role", "support")
    kim = Person.objects.get(role=Person.Role.SUPPORT)
    run("kim@aldervalley.example")
    assert Person.objects.get(pk=kim.pk).role == Person.Role.SUPPORT, "a new link is no new role"
    assert visitor.get("/admin/enter/" + link.rpartition("/")[2]).status_code == 410, "and ends the one before"
    run("kim@aldervalley.example", "--role", "auditor")
    assert Person.objects.get(pk=kim.pk).role == Person.Role.AUDITOR
    assert run("kim@aldervalley.example", "--remove") == "Removed. Sessions, links and ways to sign in are gone."
    assert Person.objects.get(pk=kim.pk).role == Person.Role.READER
    removed = Entry.objects.get(kind="administrator.removed")
    assert removed.facts == {"person": str(kim.id), "by": "command line", "was": "auditor"}
    for words_, why in (
        (("kim@aldervalley.example", "--remove"), "no administrator any more"),
        (("ada@aldervalley.example", "--remove"), "There must be one owner"),
        (("ada@aldervalley.example", "--role", "support"), "There must be one owner"),
        (("ada@aldervalley.example", "--role", "reader"), "invalid choice"),
    ):
        with pytest.raises(CommandError, match=why):
            run(*words_)
    assert Person.objects.get(role=Person.Role.OWNER)
