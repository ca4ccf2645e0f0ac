"""The page that knows of no message: every address and every bad link is answered alike."""

from __future__ import annotations

import re

import pytest

from branding.models import Brand
from portal.access.models import Asked, Challenge, Failed, Person, Session, TrustedBrowser
from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.vault import readers
from portal.vault.models import Reader
from tests.access.visitors import Clock, Visitor, code_in, mails, make_reader, newest_code, other_than, words

MODELS = (Asked, Challenge, Failed, Person, Session, TrustedBrowser, Outbound, Entry)
KNOWN, UNKNOWN = "jonas.berg@mail.example", "josef.bell@mail.example"


def counts() -> list[int]:
    return [model.objects.count() for model in MODELS]


def evened(text: str) -> str:
    """A page without what is different for everyone: references, times, the form's token."""
    return re.sub(r"[A-Z]{3,}-\d\d|\d\d:\d\d|jonas\.berg|josef\.bell|value=\"(\d{8}|[^\"]{40,})\"", "X", text)


def story(visitor: Visitor, address: str) -> list[object]:
    """Everything a visitor can see and every number of rows, from asking to five wrong guesses and a second mail."""
    seen: list[object] = []

    def note(response) -> None:  # type: ignore[no-untyped-def]
        differ = ("Content-Length", "Retry-After", "X-Request-Id")
        headers = sorted((k, v) for k, v in response.headers.items() if k not in differ)
        kept = {name: (m["max-age"], m["path"]) for name, m in response.cookies.items()}
        seen.extend([response.status_code, evened(response.content.decode()), headers, kept])

    Entry.objects.all().delete()  # being throttled is recorded once an hour for the whole page
    start = counts()
    note(visitor.find(address))
    note(visitor.get("/m/passcode/"))
    note(visitor.post("/m/passcode/", code="123"))
    wrong = other_than(Challenge.objects.latest("id").code())
    for _ in range(6):
        note(visitor.post("/m/passcode/", code=wrong))
    note(visitor.post("/m/passcode/again/"))
    note(visitor.find(address))
    seen.append([after - before for before, after in zip(start, counts(), strict=True)])
    return seen


def test_a_known_address_gets_the_passcode_of_its_inbox(visitor: Visitor, reader: Reader) -> None:
    asked = visitor.find("  JONAS.berg@Mail.Example ")
    assert (asked.status_code, asked["Location"]) == (303, "/m/passcode/")
    (mail,) = mails()
    assert mail["To"] == "Jonas.Berg@mail.example"
    proved = visitor.post("/m/passcode/", code=code_in(mail))
    assert (proved.status_code, proved["Location"]) == (303, "/inbox/")
    assert Session.objects.get().person.lookup == bytes(reader.address_lookup).hex()
    assert Entry.objects.get(kind="recipient.confirmed").message is None


def test_known_and_unknown_addresses_see_the_same_and_leave_the_same_rows(
    brand: Brand, reader: Reader, clock: Clock
) -> None:
    Person.objects.get_or_create(lookup="nobody", password="!")
    stories = [story(Visitor(brand), address) for address in (KNOWN, UNKNOWN)]
    assert stories[0] == stories[1]
    assert [s for s in stories[0] if isinstance(s, int)] == [303, 200, 422, 422, 422, 422, 422, 422, 422, 429, 429]


def test_an_unknown_address_gets_no_mail(visitor: Visitor, reader: Reader) -> None:
    visitor.find(UNKNOWN)
    assert mails() == []
    challenge = Challenge.objects.get()
    assert challenge.user.lookup == "nobody"
    assert challenge.reader is None


def test_an_unknown_address_cannot_be_proved_even_by_the_right_digits(visitor: Visitor, brand: Brand) -> None:
    visitor.find(UNKNOWN)
    page = visitor.post("/m/passcode/", code=Challenge.objects.get().code())
    assert "That passcode is not right." in words(page)
    assert not Session.objects.exists()
    assert Failed.objects.count() == 1


def test_an_address_known_to_another_brand_only_is_unknown_here(visitor: Visitor, other_brand: Brand) -> None:
    make_reader(other_brand, KNOWN)
    visitor.find(KNOWN)
    assert mails() == []


def test_budgets_hold_for_addresses_that_nobody_has(brand: Brand, clock: Clock) -> None:
    for _ in range(5):
        assert Visitor(brand).find(UNKNOWN).status_code == 303
        clock.forward(minutes=1)
    assert Visitor(brand).find(UNKNOWN.upper()).status_code == 429
    assert Visitor(brand).find("else@mail.example").status_code == 303


@pytest.mark.parametrize(
    "typed", ["jonas", "jonas@", "@mail.example", "a b@mail.example", "x@" + "y" * 400, "a@b\0.example"]
)
def test_what_is_no_address_is_said_at_the_field(visitor: Visitor, brand: Brand, typed: str) -> None:
    page = visitor.find(typed)
    assert page.status_code == 422
    assert "is not a complete address." in words(page)
    assert not Challenge.objects.exists()
    assert not page.cookies.keys() - {"csrf"}


def test_an_empty_address_is_asked_for(visitor: Visitor) -> None:
    page = visitor.find("  ")
    assert page.status_code == 422
    assert "Enter the email address this message was sent to" in words(page)


def test_what_was_typed_is_shown_again_but_never_as_markup(visitor: Visitor) -> None:
    page = visitor.find("<script>alert(1)</script>").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_unknown_mistyped_deleted_and_foreign_links_are_one_page(
    visitor: Visitor, brand: Brand, other_brand: Brand, reader: Reader
) -> None:
    gone, foreign = make_reader(brand, "gone@mail.example"), make_reader(other_brand, KNOWN)
    links = [readers.new_link(), "zzz", "%23", "ask", "a" * 500, readers.link_of(gone), readers.link_of(foreign)]
    gone.delete()
    for path in ("ask/", "passcode/"):
        for method in ("get", "post"):
            pages = [getattr(visitor, method)(f"/m/{link}/{path}") for link in links]
            assert {page.status_code for page in pages} == {404}
            assert len({evened(page.content.decode()) for page in pages}) == 1
    assert not Challenge.objects.exists()


def test_a_link_of_another_brand_leads_nowhere_and_sends_nothing(other_brand: Brand, reader: Reader) -> None:
    foreign = Visitor(other_brand)
    assert foreign.ask(reader).status_code == 404
    assert "Lindqvist" not in words(foreign.see(reader))
    assert mails() == []


def test_a_host_that_nobody_registered_gets_nothing(visitor: Visitor, reader: Reader) -> None:
    link = readers.link_of(reader)
    assert visitor.client.post(f"/m/{link}/ask/", headers={"host": "evil.example"}).status_code == 400
    assert not Challenge.objects.exists()


def test_asking_again_needs_no_address_and_renews_the_reference(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.find(KNOWN)
    first, reference = newest_code(), Challenge.objects.get().reference
    clock.forward(minutes=1)
    assert visitor.post("/m/passcode/again/").status_code == 303
    assert Challenge.objects.get().reference != reference
    assert newest_code() != first


def test_another_address_typed_in_the_same_browser_is_a_new_challenge(
    visitor: Visitor, brand: Brand, reader: Reader
) -> None:
    make_reader(brand, "karin@mail.example")
    visitor.find(KNOWN)
    code = newest_code()
    visitor.find("karin@mail.example")
    assert Challenge.objects.count() == 2
    assert visitor.post("/m/passcode/", code=code).status_code == 422
    assert visitor.post("/m/passcode/", code=newest_code()).status_code == 303
    assert Session.objects.get().person.lookup == readers.address_lookup("karin@mail.example").hex()


def test_without_having_asked_there_is_only_the_page_to_ask_on(visitor: Visitor, brand: Brand) -> None:
    assert visitor.get("/m/passcode/")["Location"] == "/m/"
    assert visitor.post("/m/passcode/again/")["Location"] == "/m/passcode/"
    page = visitor.post("/m/passcode/", code="12345678")
    assert page.status_code == 422
    assert "This passcode was asked for in another browser." in words(page)


def test_a_refused_mail_is_not_told_on_the_neutral_page(visitor: Visitor, reader: Reader) -> None:
    visitor.find(KNOWN)
    Outbound.objects.update(state=Outbound.State.FAILED)
    assert "could not be delivered" not in words(visitor.get("/m/passcode/"))
