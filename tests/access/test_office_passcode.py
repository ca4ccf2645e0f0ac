"""Saying again that it is you: a passcode by mail, for administrators who have nothing better, and nobody else."""

from __future__ import annotations

import pytest

from branding.models import Brand
from portal.access import administrators, cookies, providers, sessions
from portal.access.credentials import Passkey
from portal.access.models import Session
from portal.access.office_passcode import ERRAND
from portal.access.providers import Wanted
from portal.access.roles import Role
from portal.vault.models import Reader
from tests.access.offices import ADA, EBBA, by_link, is_in, method_of, with_passkey, with_password
from tests.access.resealing import reseal
from tests.access.visitors import Clock, Visitor, mails, newest_code, other_than, words
from tests.peers.issuer import CLIENT, SECRET, Issuer

ASK, TYPE, GOAL = "/admin/enter/passcode/ask/", "/admin/enter/passcode/", "/admin/people/add/"


@pytest.fixture
def ada(visitor: Visitor, brand: Brand, clock: Clock) -> Visitor:
    """An owner who came by a link, more than ten minutes ago."""
    by_link(visitor, administrators.add(ADA, Role.OWNER, by=None))
    clock.forward(minutes=11)
    return visitor


def test_it_is_mailed_typed_and_leads_back_with_the_way_to_a_passkey(ada: Visitor) -> None:
    page = words(ada.get(ada.get(GOAL)["Location"]))
    assert "Say again that it is you" in page and "Email me a passcode" in page and "With a passkey" not in page
    assert ada.post(ASK, next=GOAL)["Location"] == f"{TYPE}?next=%2Fadmin%2Fpeople%2Fadd%2F"
    assert [mail["To"] for mail in mails()] == [ADA]
    page = words(ada.get(f"{TYPE}?next={GOAL}"))
    assert "One more step" in page and f"to {ADA} at" in page
    proved = ada.post(TYPE, code=newest_code(), next=GOAL)
    assert proved.status_code == 303 and proved["Location"].startswith(GOAL)
    after = words(ada.get(proved["Location"]))
    assert "It is you." in after and "Add a passkey" in after
    assert method_of(Session.objects.get().person) == sessions.PASSCODE
    assert Session.objects.get().level == 1
    assert ada.post("/admin/you/passkeys/ask/").status_code == 200


def test_it_works_once_and_a_wrong_one_is_counted(ada: Visitor) -> None:
    ada.post(ASK)
    code = newest_code()
    refused = ada.post(TYPE, code=other_than(code))
    assert refused.status_code == 422 and "You have 4 tries left." in words(refused)
    assert ada.get(GOAL).status_code == 303
    assert ada.post(TYPE, code=code).status_code == 303
    assert ada.post(TYPE, code=code).status_code == 422


def test_it_is_asked_for_once_a_minute_and_the_page_still_takes_the_first(ada: Visitor, clock: Clock) -> None:
    ada.post(ASK)
    soon = ada.post(ASK)
    assert soon.status_code == 429 and "We sent one at" in words(soon) and "Continue" in words(soon)
    assert len(mails()) == 1


def test_who_is_not_signed_in_gets_none(stranger: Visitor, brand: Brand) -> None:
    administrators.add(ADA, Role.OWNER, by=None)
    assert "Email me a passcode" not in words(stranger.get("/admin/enter/"))
    assert stranger.post(ASK)["Location"] == stranger.post(TYPE, code="12345678")["Location"] == "/admin/enter/"
    assert not mails()


def test_another_browser_cannot_use_it(ada: Visitor, stranger: Visitor, brand: Brand) -> None:
    ada.post(ASK)
    other = Visitor(brand)
    by_link(other, administrators.add(EBBA, Role.SUPPORT, by=None))
    assert other.post(TYPE, code=newest_code())["Location"] == "/admin/enter/"
    stranger.client.cookies[cookies.BROWSER] = ada.cookie(cookies.BROWSER)
    assert stranger.post(TYPE, code=newest_code())["Location"] == "/admin/enter/" and not is_in(stranger)


def test_it_goes_to_no_other_administrator_who_signed_in_meanwhile(ada: Visitor, brand: Brand) -> None:
    ada.post(ASK)
    code = newest_code()
    by_link(ada, administrators.add(EBBA, Role.SUPPORT, by=None))
    assert ada.post(TYPE, code=code)["Location"] == "/admin/enter/"


def test_a_messages_passcode_is_none(ada: Visitor, brand: Brand, reader: Reader) -> None:
    ada.ask(reader)
    assert ada.post(TYPE, code=newest_code())["Location"] == "/admin/enter/"
    ada.post(ASK)
    code = newest_code()
    assert ada.enter(reader, code).status_code != 303, f"{ERRAND} opens no message"


def test_whoever_has_a_passkey_on_any_host_says_it_with_that(visitor: Visitor, brand: Brand, clock: Clock) -> None:
    with_passkey(visitor, brand, ADA)
    clock.forward(minutes=11)
    assert "Email me a passcode" not in words(visitor.get(f"/admin/enter/?next={GOAL}"))
    assert visitor.post(ASK)["Location"] == "/admin/enter/" and not mails()
    Session.objects.update(method=sessions.PASSKEY)
    reseal()
    Passkey.objects.all().delete()
    assert visitor.post(ASK)["Location"] == "/admin/enter/" and not mails(), "nor is more renewed with less"


def test_whoever_has_a_password_and_an_app_says_it_with_these(visitor: Visitor, brand: Brand, clock: Clock) -> None:
    with_password(visitor, clock)
    clock.forward(minutes=11)
    page = words(visitor.get(f"/admin/enter/?next={GOAL}"))
    assert "Password" in page and "Email me a passcode" not in page
    assert visitor.post(ASK)["Location"] == "/admin/enter/" and not mails()


def test_where_the_organisation_has_a_sign_in_it_is_that(ada: Visitor, brand: Brand, issuer: Issuer) -> None:
    wanted = Wanted(
        slug="corp", kind="oidc", client_id=CLIENT, secret=SECRET, name="Corp", issuer=issuer.url,
        private=True, domains=["aldervalley.example"], recipients=False, office=True,
    )  # fmt: skip
    providers.add(wanted, [brand])
    page = words(ada.get(f"/admin/enter/?next={GOAL}"))
    assert "Continue with Corp" in page and "Email me a passcode" not in page
    assert ada.post(ASK)["Location"] == "/admin/enter/" and not mails()
