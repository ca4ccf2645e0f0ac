"""Whoever writes the database appoints nobody: no role, link, password, delegate or token but what the portal made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access import administrators, cookies, delegates, entry, grants, people, roles, sessions
from portal.access.delegates import By
from portal.access.models import Delegation, EntryLink, Person
from portal.access.office_errors import NotAnAdministrator
from portal.access.roles import Role
from portal.api import tokens
from portal.api.models import Token
from portal.api.scopes import Scope
from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.directory import keeping
from portal.directory.models import Source
from portal.directory.sealed import Held
from portal.owners import decides_alone
from portal.vault import readers
from tests.access.offices import (
    ADA,
    EBBA,
    PASSWORD,
    QuickHasher,
    by_link,
    is_in,
    use_passkey,
    with_passkey,
    with_password,
)
from tests.access.test_grants import forged
from tests.access.visitors import Clock, Visitor
from tests.grants import change as reseal

pytestmark = pytest.mark.django_db
KIM = "kim@aldervalley.example"


def with_role(visitor: Visitor, brand: Brand, address: str, role: Role) -> Person:
    """Somebody signed in with a role."""
    person = administrators.add(address, role, by=None)
    token = sessions.begin(person, brand, keep=False, method="passkey", office=True)
    visitor.client.cookies[cookies.OFFICE] = token
    return person


def row_of(person: Person) -> Person:
    return Person.objects.get(pk=person.pk)


# ----------------------------------------------------------------------------------------------------------- roles


def test_a_role_that_was_raised_is_none_and_is_recorded_once(visitor: Visitor, brand: Brand) -> None:
    person = with_role(visitor, brand, KIM, Role.SUPPORT)
    assert is_in(visitor)
    Person.objects.filter(pk=person.pk).update(role=Role.OWNER)
    assert not is_in(visitor) and not is_in(visitor)
    assert not decides_alone(person.pk)
    assert forged() == [("role", "changed")]
    assert row_of(person).role == Role.OWNER, "nothing mends it by itself"


def test_a_reader_is_no_administrator_because_their_row_says_so(visitor: Visitor, brand: Brand) -> None:
    person = people.of_address(KIM)
    Person.objects.filter(pk=person.pk).update(role=Role.OWNER)
    assert visitor.get(f"/admin/enter/{entry.make(person)}").status_code == 410
    assert forged() == [("role", "unsealed")]
    owner = administrators.add(ADA, Role.OWNER, by=None)
    Person.objects.filter(pk=person.pk).update(seal=bytes(owner.seal))
    assert not roles.permissions_of(row_of(person))


def test_a_role_that_was_taken_is_not_had_again_by_the_row_of_before(visitor: Visitor, brand: Brand) -> None:
    administrators.add(ADA, Role.OWNER, by=None)
    person = with_role(visitor, brand, KIM, Role.OWNER)
    before = row_of(person)
    token = visitor.cookie(cookies.OFFICE)
    administrators.change(person, Role.AUDITOR, by=None)
    assert is_in(visitor)
    before.save()
    assert not is_in(visitor)
    administrators.remove(row_of(person), by=None)
    before.save()
    visitor.client.cookies[cookies.OFFICE] = token
    assert not roles.permissions_of(row_of(person))
    assert {how for _, how in forged()} == {"ended"}


def test_an_owner_gives_no_role_on_top_of_one_that_nobody_gave(brand: Brand) -> None:
    administrators.add(ADA, Role.OWNER, by=None)
    person = administrators.add(KIM, Role.SUPPORT, by=None)
    Person.objects.filter(pk=person.pk).update(password=make_password("insider"))
    with pytest.raises(NotAnAdministrator):
        administrators.change(person, Role.AUDITOR, by=None)
    administrators.remove(person, by=None)
    administrators.add(KIM, Role.AUDITOR, by=None)
    assert not row_of(person).has_usable_password() and roles.permissions_of(row_of(person))


def test_a_password_that_was_written_to_a_reader_does_not_come_along_with_a_role() -> None:
    person = people.of_address(KIM)
    Person.objects.filter(pk=person.pk).update(password=make_password("insider"))
    administrators.add(KIM, Role.SUPPORT, by=None)
    assert not row_of(person).has_usable_password()


def test_the_last_owner_is_not_removed_because_somebody_wrote_another(brand: Brand) -> None:
    owner, person = administrators.add(ADA, Role.OWNER, by=None), people.of_address(KIM)
    Person.objects.filter(pk=person.pk).update(role=Role.OWNER)
    with pytest.raises(administrators.LastOwner):
        administrators.remove(owner, by=None)


def test_another_password_than_was_set_lets_nobody_in(
    visitor: Visitor, stranger: Visitor, brand: Brand, clock: Clock, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = [f"{QuickHasher.__module__}.{QuickHasher.__qualname__}"]
    with_password(visitor, clock)
    Person.objects.filter(role=Role.OWNER).update(password=make_password("the insider's own"))
    for typed in ("the insider's own", PASSWORD):
        assert stranger.post("/admin/enter/password/", address=ADA, password=typed).status_code == 422
    assert forged() == [("role", "changed")]


def test_an_administrators_passkey_signs_no_other_administrator_in(
    visitor: Visitor, stranger: Visitor, brand: Brand
) -> None:
    from portal.access.credentials import Keyholder, Passkey

    owner = administrators.add(ADA, Role.OWNER, by=None)
    _, phone = with_passkey(visitor, brand, EBBA, Role.SUPPORT)
    for model in (Keyholder, Passkey):
        model.objects.update(person=owner)
    assert use_passkey(stranger, phone).status_code == 422 and not is_in(stranger)
    assert forged() == [("passkey", "changed")]


def test_mail_for_an_administrator_goes_to_no_address_that_the_row_is_not_found_by(brand: Brand) -> None:
    insider = people.of_address("insider@mail.example")
    Person.objects.filter(pk=insider.pk).update(lookup=readers.address_lookup(ADA).hex())
    owner = administrators.add(ADA, Role.OWNER, by=None)
    assert owner.pk == insider.pk and people.address_of(owner) == ""
    with pytest.raises(NotAnAdministrator):
        administrators.invite(owner, by=None)
    assert not Outbound.objects.exists()


# ----------------------------------------------------------------------------------------------------------- links


def test_a_link_that_was_put_there_lets_nobody_in(visitor: Visitor, brand: Brand) -> None:
    owner = administrators.add(ADA, Role.OWNER, by=None)
    until = timezone.now() + timedelta(hours=1)
    EntryLink.objects.create(token=cookies.digest("own"), person=owner, expires_at=until)
    assert visitor.post("/admin/enter/own").status_code == 410
    assert forged() == [("link", "unsealed")]


def test_a_link_is_nobody_elses_no_longer_and_not_without_its_address(visitor: Visitor, brand: Brand) -> None:
    owner = administrators.add(ADA, Role.OWNER, by=None)
    support = administrators.add(KIM, Role.SUPPORT, by=None)
    for change in ({"person": owner}, {"expires_at": timezone.now() + timedelta(days=9)}, {"mailed": False}):
        secret = entry.make(support, mailed=True)
        EntryLink.objects.filter(used_at=None).update(**change)
        assert visitor.post(f"/admin/enter/{secret}", address=KIM).status_code == 410, change
        EntryLink.objects.all().delete()
    assert forged() == [("link", "changed")] * 3


def test_a_used_link_is_used_up_whatever_its_row_says(visitor: Visitor, stranger: Visitor, brand: Brand) -> None:
    owner = administrators.add(ADA, Role.OWNER, by=None)
    secret = entry.make(owner)
    visitor.post(f"/admin/enter/{secret}")
    assert is_in(visitor)
    EntryLink.objects.update(used_at=None)
    assert stranger.post(f"/admin/enter/{secret}").status_code == 410
    assert forged() == [("link", "ended")]


def test_the_first_administrators_link_and_role_go_along_with_their_address(visitor: Visitor, brand: Brand) -> None:
    first = Person(lookup="owner-1", role=Role.OWNER, password=people.NO_PASSWORD)
    grants.seal(first)
    first.save(force_insert=True)
    by_link(visitor, first)
    secret = entry.make(first)
    named = administrators.say_address(first, ADA)
    assert is_in(visitor) and roles.permissions_of(row_of(named))
    found = entry.find(secret)
    assert found is not None and found.person == named and forged() == []


# ------------------------------------------------------------------------------------------------------- delegates


@pytest.fixture
def house(brand: Brand) -> Brand:
    reseal(Brand.objects.filter(pk=brand.pk), domains=["aldervalley.example"])
    return Brand.objects.get(pk=brand.pk)


def lend(house: Brand) -> Delegation:
    owner = people.of_address(ADA)
    return delegates.give(owner, EBBA, house, By(delegates.SENDER, owner.pk))


def test_nobody_acts_for_a_sender_because_a_row_says_so(house: Brand) -> None:
    owner, insider = people.of_address(ADA), people.of_address(KIM)
    Delegation.objects.create(owner=owner, delegate=insider, brand=house, by_office=False)
    assert delegates.of_delegate(insider, house) == [] and forged() == [("delegation", "unsealed")]
    delegates.give(owner, KIM, house, By(delegates.SENDER, owner.pk))
    assert [row.owner for row in delegates.of_delegate(insider, house)] == [owner]


def test_who_acts_for_one_sender_acts_for_no_other_and_sees_no_more(house: Brand, other_brand: Brand) -> None:
    other, ebba = people.of_address(KIM), people.of_address(EBBA)
    for change in ({"owner": other}, {"brand": other_brand}, {"by_office": True}, {"id": people.uuid4()}):
        row = lend(house)
        Delegation.objects.update(**change)
        assert delegates.of_delegate(ebba, change.get("brand", house)) == [], change
        Delegation.objects.all().delete()
        assert row.seal
    assert forged() == [("delegation", "changed")] * 4


def test_a_delegate_whose_row_was_ended_is_none_when_it_is_put_back(house: Brand) -> None:
    row = lend(house)
    delegates.end(row, By(delegates.SENDER, row.owner_id))
    row.save(force_insert=True)
    assert delegates.of_delegate(people.of_address(EBBA), house) == [] and forged() == [("delegation", "ended")]


def test_nobody_fills_the_keyring_with_delegates_who_come_and_go(house: Brand, clock: Clock) -> None:
    by = By(delegates.SENDER, people.of_address(ADA).pk)
    for _ in range(20):
        delegates.end(lend(house), by)
    with pytest.raises(delegates.TooManyToday, match="tomorrow"):
        lend(house)
    clock.forward(days=1)
    assert lend(house)


# ---------------------------------------------------------------------------------------------------------- tokens


def ask(token: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "Host": "secure.aldervalley.example"}
    return Client().get("/api/v1/audit/entries", headers=headers).status_code


def test_a_token_has_no_scope_brand_or_day_that_was_written_to_it(brand: Brand) -> None:
    for change in (
        {"scopes": ["audit:read"]},
        {"expires_at": None},
        {"brand": None},
        {"old_until": timezone.now() + timedelta(days=9)},
    ):
        later = timezone.now() + timedelta(days=1)
        token = tokens.create("erp", [Scope.MESSAGES_READ], expires_at=later, brand=brand)
        assert ask(token) == 403
        Token.objects.update(**change)
        assert ask(token) == 401, change
        Token.objects.all().delete()
    assert forged() == [("token", "changed")] * 4


def test_a_token_that_was_put_there_or_put_back_is_none(brand: Brand) -> None:
    Token.objects.create(name="own", digest=tokens._digest("llk_own"), scopes=["audit:read"])
    assert ask("llk_own") == 401
    token = tokens.create("erp", [Scope.AUDIT_READ])
    kept = Token.objects.get(name="erp")
    assert ask(token) == 200
    tokens.revoke(kept)
    kept.save()
    assert ask(token) == 401
    assert forged() == [("token", "unsealed"), ("token", "ended")]
    assert Entry.objects.filter(kind="admin.token_removed").count() == 1


def test_the_secret_that_a_token_had_before_is_not_had_again(brand: Brand) -> None:
    token = tokens.create("erp", [Scope.AUDIT_READ])
    kept = Token.objects.get()
    new = tokens.renew(kept, at_once=True)
    assert (ask(token), ask(new)) == (401, 200)
    kept.save()
    assert ask(token) == 401 and forged() == [("token", "ended")]


@pytest.mark.parametrize(("role", "stays"), [(Role.ADMINISTRATOR, False), (Role.AUDITOR, False), (Role.OWNER, True)])
def test_whom_the_directory_switched_off_administers_nothing_but_for_owners(
    visitor: Visitor, brand: Brand, role: Role, stays: bool
) -> None:
    """Whoever fills the directory must not be able to lock out everybody who could stop them."""
    _person, phone = with_passkey(visitor, brand, ADA, role)
    assert is_in(visitor)
    known = keeping.new_person(Held(ADA), Source.SCIM, active=False)
    known.save()
    assert is_in(visitor) is stays
    assert (use_passkey(visitor, phone).status_code == 303) is stays
    assert forged() == []
    known.active = True
    known.save()
    assert use_passkey(visitor, phone).status_code == 303
