"""Signing in at a provider on the neutral page, where no message is named: to what was sent to the proved address."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse

from branding.models import Brand
from portal.access import providers
from portal.access.models import Person, Provider, Session, SignIn
from portal.access.providers import Wanted
from portal.audit.models import Entry
from portal.vault import readers
from portal.vault.models import Reader
from tests.access.visitors import Visitor, make_provider, make_reader, words
from tests.grants import change
from tests.peers.issuer import CLIENT, SECRET, Issuer

JONAS, ANNA = "jonas.berg@mail.example", "anna@mail.example"


@pytest.fixture
def provider(issuer: Issuer, brand: Brand) -> Provider:
    wanted = Wanted(
        slug="corp", kind="oidc", client_id=CLIENT, secret=SECRET, name="Corp", issuer=issuer.url, private=True,
        domains=["mail.example"],
    )  # fmt: skip
    return providers.add(wanted, [brand])


def come_back(visitor: Visitor, issuer: Issuer, address: str, **more: str) -> HttpResponse:
    asked = visitor.post("/m/sign-in/corp/")
    claims = {"email": address, "email_verified": True}
    return visitor.get(issuer.grant(asked["Location"], claims=claims, **more))


def evened(response: HttpResponse) -> str:
    return re.sub(r'value="[^"]{40,}"', "", response.content.decode())


def test_who_proves_an_address_is_led_to_what_was_sent_to_it(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    response = come_back(visitor, issuer, JONAS)
    assert (response.status_code, response["Location"]) == (303, "/inbox/")
    row = Session.objects.get()
    assert (row.method, row.provider, row.level, row.sender, row.reader) == ("provider", "corp", 2, False, None)
    assert row.person.lookup == bytes(reader.address_lookup).hex()
    assert Entry.objects.get(kind="recipient.confirmed").message is None


def test_an_address_that_nothing_was_sent_to_is_told_so_after_its_proof_alone(
    visitor: Visitor, stranger: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    told = come_back(visitor, issuer, ANNA)["Location"]
    assert told == "/m/sign-in/corp/"
    page = visitor.get(told)
    assert page.status_code == 422
    said = "You signed in with Corp as anna@mail.example. There is no message here for that address."
    assert said in words(page) and "Use another Corp account" in words(page)
    assert visitor.post("/m/sign-in/corp/", again="1")["Location"].count("prompt=login")
    assert not Session.objects.exists() and not Person.objects.exists()
    assert Entry.objects.get(kind="recipient.sign_in_refused").facts == {"provider": "corp", "reason": "nothing_sent"}
    assert stranger.get(told)["Location"] == "/m/", "another browser is told nothing"


def test_what_was_sent_by_another_brand_is_not_here(
    visitor: Visitor, issuer: Issuer, provider: Provider, other_brand: Brand
) -> None:
    make_reader(other_brand, JONAS)
    come_back(visitor, issuer, JONAS)
    assert not Session.objects.exists()


def test_before_the_proof_every_page_offers_the_same(
    visitor: Visitor, provider: Provider, brand: Brand, reader: Reader
) -> None:
    make_provider(brand, "google", "google", "gmail.com")
    gone = make_reader(brand, "gone@mail.example")
    link = readers.link_of(gone)
    gone.message.delete()
    pages = [visitor.get(f"/m/{one}") for one in (link, readers.new_link(), "mangled")]
    assert len({(page.status_code, evened(page)) for page in pages}) == 1
    text = words(pages[0])
    assert "Continue with Corp" in text and "Continue with Google" in text
    assert "form-action 'self' " in pages[0]["Content-Security-Policy"]
    begun = [visitor.post("/m/sign-in/corp/").status_code for _ in range(2)]
    assert begun == [303, 303], "nothing about an address is asked or said"


def test_where_a_proof_opens_one_message_it_is_the_newest(
    visitor: Visitor, issuer: Issuer, provider: Provider, brand: Brand, reader: Reader
) -> None:
    change(Brand.objects.all(), session_scope="message")
    newest = make_reader(brand, JONAS)
    assert come_back(visitor, issuer, JONAS)["Location"] == f"/m/{readers.link_of(newest)}"
    assert Session.objects.get().reader == newest


def test_a_provider_that_the_brand_does_not_offer_is_none(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    begun = visitor.post("/m/sign-in/corp/")["Location"]
    change(Brand.objects.all(), methods=["passcode"])
    assert "Continue with Corp" not in words(visitor.get("/m/"))
    assert visitor.post("/m/sign-in/corp/")["Location"] == "/m/"
    claims = {"email": JONAS, "email_verified": True}
    assert visitor.get(issuer.grant(begun, claims=claims))["Location"] == "/sign-in/over/"
    assert not Session.objects.exists()


def test_without_passcodes_no_address_is_asked_for(visitor: Visitor, provider: Provider, reader: Reader) -> None:
    change(Brand.objects.all(), methods=["corp"])
    page = visitor.get("/m/").content.decode()
    assert 'name="address"' not in page
    assert "<details open>" in page


def test_who_turns_back_and_a_provider_that_is_down_are_told(
    visitor: Visitor, issuer: Issuer, provider: Provider
) -> None:
    turned = visitor.get(come_back(visitor, issuer, JONAS, error="access_denied")["Location"])
    assert "You did not finish signing in with Corp. Choose a way to continue." in words(turned)
    Provider.objects.update(known=b"", known_at=None)
    issuer.answers = {"/.well-known/openid-configuration": (500, {})}
    down = visitor.post("/m/sign-in/corp/")
    assert down.status_code == 503
    assert "Corp did not answer. Use a passcode, or try again in a few minutes." in words(down)


def test_a_get_begins_nothing(visitor: Visitor, provider: Provider) -> None:
    assert visitor.get("/m/sign-in/corp/")["Location"] == "/m/"
    assert not SignIn.objects.exists()
