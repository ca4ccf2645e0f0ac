"""Whoever writes the database gives nobody a way to sign in: neither a new one, nor another's, nor one of before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Model
from django.utils import timezone

from branding import choosing
from branding.models import Brand
from portal.access import authenticators, budgets, grants, levels, passkeys, people, providers, sessions
from portal.access.authenticators import code_at
from portal.access.credentials import Keyholder, Passkey
from portal.access.errors import NoAuthenticator, ProviderUnusable, TooManyCodes
from portal.access.models import Authenticator, Person, ProvedPhrase, Provider, Session
from portal.access.passkey_errors import PasskeyAsleep, PasskeyUnknown, TooManyAdded
from portal.access.providers import Wanted
from portal.audit.models import Entry
from portal.vault import phrases, readers
from portal.vault.agreed import agree
from portal.vault.models import Phrase, Reader
from tests.access.visitors import Clock, Visitor, make_reader
from tests.grants import change, keyring_of_before
from tests.peers.authenticator import Authenticator as Device
from tests.peers.issuer import CLIENT, SECRET, Issuer

pytestmark = pytest.mark.django_db
OWN = "insider@mail.example"
HERE = b"h" * 32


def forged() -> list[tuple[Any, Any]]:
    """What was recorded, oldest first."""
    found = Entry.objects.filter(kind="grant.forged").order_by("id")
    return [(entry.facts["what"], entry.facts["how"]) for entry in found]


def add(person: Person, brand: Brand, device: Device, *, office: bool = False) -> Passkey:
    options = passkeys.ask_to_add(person, brand, HERE, user_name="x", office=office)
    return passkeys.add(person, brand, HERE, device.make(options), proved_at=timezone.now(), office=office)


def sign_in(brand: Brand, device: Device, *, office: bool = False) -> Passkey:
    options = passkeys.ask_to_sign_in(brand, HERE, office=office)
    return passkeys.recognise(brand, HERE, device.sign(options), office=office)


@pytest.fixture
def insider(brand: Brand) -> Reader:
    """Somebody with a message of their own, who writes the database as well."""
    return make_reader(brand, OWN)


@pytest.fixture
def phone(brand: Brand) -> Device:
    return Device(choosing.origin(brand))


# -------------------------------------------------------------------------------------------------------- passkeys

MEANT: dict[str, Callable[[Reader], Any]] = {
    "id": lambda reader: reader.pk,
    "person": people.of_reader,
    "brand": lambda reader: Brand.objects.create(slug="other", name="O", host="other.example").pk,
    "office": lambda reader: True,
    "credential": lambda reader: b"another",
    "public_key": lambda reader: b"another",
    "made_at": lambda reader: timezone.now() - timedelta(days=9),
    "proved_at": lambda reader: timezone.now() + timedelta(days=9),
    "asleep_at": lambda reader: timezone.now(),
    "waits_in": lambda reader: HERE,
    "waits_until": lambda reader: timezone.now(),
}


@pytest.mark.parametrize("claim", MEANT)
def test_a_passkey_that_was_changed_does_not_fit(reader: Reader, brand: Brand, phone: Device, claim: str) -> None:
    add(people.of_address(OWN), brand, phone)
    Passkey.objects.update(**{claim: MEANT[claim](reader)})
    assert not grants.fits(Passkey.objects.select_related("person").get())


def test_all_of_a_passkey_is_sealed_but_what_grants_nothing() -> None:
    left = {field.name for field in Passkey._meta.concrete_fields} - set(MEANT)
    assert left == {"sign_count", "transports", "name", "device", "synced", "backed_up", "used_at", "seal"}


def test_the_own_passkey_signs_nobody_else_in_when_it_is_given_their_person(
    visitor: Visitor, insider: Reader, reader: Reader, brand: Brand, phone: Device
) -> None:
    add(people.of_reader(insider), brand, phone)
    jonas = people.of_reader(reader)
    Keyholder.objects.update(person=jonas)
    Passkey.objects.update(person=jonas)
    told = visitor.post("/passkey/ask/").json()
    answer = visitor.post("/m/passkey/", answer=phone.sign(told))
    assert answer.status_code == 422 and not Session.objects.exists()
    assert forged() == [("passkey", "changed")]


def test_a_passkey_that_was_put_there_is_refused_and_recorded_once(
    insider: Reader, reader: Reader, brand: Brand, phone: Device
) -> None:
    own = add(people.of_reader(insider), brand, phone)
    jonas = people.of_reader(reader)
    Keyholder.objects.update(person=jonas)
    Passkey.objects.all().delete()
    own.person, own.seal = jonas, b""
    own.save(force_insert=True)
    for _ in range(2):
        with pytest.raises(PasskeyUnknown):
            sign_in(brand, phone)
    assert forged() == [("passkey", "unsealed")]


def test_the_persons_row_is_nobody_elses_when_it_is_given_their_look_up(
    insider: Reader, reader: Reader, brand: Brand, phone: Device
) -> None:
    add(people.of_reader(insider), brand, phone)
    Person.objects.update(lookup=bytes(reader.address_lookup).hex())
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, phone)


def test_a_readers_passkey_lets_no_administrator_in(reader: Reader, brand: Brand, phone: Device) -> None:
    add(people.of_reader(reader), brand, phone)
    for model in (Keyholder, Passkey):
        model.objects.update(office=True)
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, phone, office=True)
    assert forged() == [("passkey", "changed")]


def test_a_passkey_that_was_removed_stays_removed_when_its_row_is_put_back(
    reader: Reader, brand: Brand, phone: Device
) -> None:
    add(people.of_reader(reader), brand, phone)
    kept = Passkey.objects.get()
    passkeys.remove(Passkey.objects.select_related("person").get())
    kept.save(force_insert=True)
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, phone)
    assert forged() == [("passkey", "ended")]


def test_a_passkey_that_was_copied_is_not_woken_by_its_row_of_before(
    reader: Reader, brand: Brand, phone: Device
) -> None:
    add(people.of_reader(reader), brand, phone)
    sign_in(brand, phone)
    kept = Passkey.objects.get()
    Passkey.objects.update(sign_count=999)
    phone.counter = 5
    with pytest.raises(PasskeyAsleep):
        sign_in(brand, phone)
    Passkey.objects.all().delete()
    kept.save(force_insert=True)
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, phone)
    assert forged() == [("passkey", "ended")]


def test_a_passkey_is_whole_through_use_a_new_name_and_another_proof(
    reader: Reader, brand: Brand, phone: Device, clock: Clock
) -> None:
    person = people.of_reader(reader)
    passkeys.rename(add(person, brand, phone), "Kitchen")
    assert sign_in(brand, phone).person == person
    clock.forward(days=181)
    with pytest.raises(passkeys.MailboxNotProved):
        sign_in(brand, phone)
    passkeys.mailbox_proved(person, brand, HERE)
    assert sign_in(brand, phone).person == person and forged() == []


def test_nobody_fills_the_keyring_with_passkeys_that_are_added_and_removed(
    reader: Reader, brand: Brand, clock: Clock
) -> None:
    person = people.of_reader(reader)

    def again() -> None:
        passkeys.remove(add(person, brand, Device(choosing.origin(brand))))

    for _ in range(budgets.NEW_WAYS.count):
        again()
    with pytest.raises(TooManyAdded, match="tomorrow"):
        again()
    clock.forward(days=1)
    again()


# ----------------------------------------------------------------------------------------------- apps and phrases


def with_app(reader: Reader, brand: Brand) -> bytes:
    """The secret of the app that a reader set up."""
    person = people.of_reader(reader)
    token = sessions.begin(person, brand, keep=False)
    session = sessions.of_token(token, brand)
    assert session is not None
    secret = authenticators.secret_of(authenticators.begin(person, session))
    authenticators.confirm(person, session, code_at(secret, int(timezone.now().timestamp()) // 30))
    return secret


def test_the_own_app_is_not_anothers(insider: Reader, reader: Reader, brand: Brand, clock: Clock) -> None:
    secret, jonas = with_app(insider, brand), people.of_reader(reader)
    Authenticator.objects.update(person=jonas)
    clock.forward(minutes=2)
    for _ in range(2):
        with pytest.raises(NoAuthenticator):
            authenticators.check(jonas, code_at(secret, int(clock().timestamp()) // 30))
    assert forged() == [("authenticator", "changed")]


def test_an_app_is_no_older_than_it_is(reader: Reader, brand: Brand, clock: Clock) -> None:
    secret = with_app(reader, brand)
    Authenticator.objects.update(confirmed_at=clock() - timedelta(days=9))
    clock.forward(minutes=2)
    with pytest.raises(NoAuthenticator):
        authenticators.check(people.of_reader(reader), code_at(secret, int(clock().timestamp()) // 30))


def test_an_app_that_was_removed_stays_removed(reader: Reader, brand: Brand, clock: Clock) -> None:
    secret, person = with_app(reader, brand), people.of_reader(reader)
    kept = Authenticator.objects.get()
    authenticators.remove(person)
    kept.session = None
    kept.save(force_insert=True)
    clock.forward(minutes=2)
    with pytest.raises(NoAuthenticator):
        authenticators.check(person, code_at(secret, int(clock().timestamp()) // 30))
    assert forged() == [("authenticator", "ended")]


def test_nobody_fills_the_keyring_with_apps_that_are_set_up_and_removed(
    reader: Reader, brand: Brand, clock: Clock
) -> None:
    for _ in range(budgets.NEW_WAYS.count):
        with_app(reader, brand)
        authenticators.remove(people.of_reader(reader))
        clock.forward(minutes=1)
    with pytest.raises(TooManyCodes):
        with_app(reader, brand)


def test_nobody_knew_a_phrase_because_a_row_says_so(reader: Reader, brand: Brand) -> None:
    session = sessions.of_token(sessions.begin(people.of_reader(reader), brand, keep=False), brand)
    assert session is not None
    phrase = Phrase.objects.create(reader=reader, sealed=b"x")
    proved = ProvedPhrase(session=session, phrase=phrase, at=timezone.now())
    proved.save()
    assert levels.held(session, reader) == 1 and forged() == [("phrase", "unsealed")]
    change(ProvedPhrase.objects.all())
    assert levels.held(session, reader) == 3
    other = sessions.of_token(sessions.begin(people.of_reader(reader), brand, keep=False), brand)
    assert other is not None
    ProvedPhrase.objects.update(session=other)
    assert levels.held(other, reader) == 1


def test_a_phrase_that_was_known_opens_no_other_message_though_its_row_is_moved_there(
    reader: Reader, brand: Brand
) -> None:
    session = sessions.of_token(sessions.begin(people.of_reader(reader), brand, keep=False), brand)
    assert session is not None
    another = make_reader(brand, "Jonas.Berg@mail.example")
    phrases.keep_phrases([(reader, agree("the blue canoe")), (another, agree("what nobody here knows"))])
    assert levels.prove_phrase(session, reader, "the blue canoe")
    session = Session.objects.select_related("person").get(pk=session.pk)
    assert (levels.held(session, reader), levels.held(session, another)) == (3, 1)
    theirs = Phrase.objects.get(reader=another)
    theirs.delete()
    Phrase.objects.filter(reader=reader).update(reader=another, sealed=theirs.sealed)
    assert levels.held(session, another) == 1
    assert forged() == [("phrase", "changed")]


# ------------------------------------------------------------------------------------------------------- providers


@pytest.fixture
def provider(issuer: Issuer, brand: Brand) -> Provider:
    wanted = Wanted(
        slug="corp", kind="oidc", client_id=CLIENT, secret=SECRET, name="Corp", issuer=issuer.url, private=True,
        domains=["aldervalley.example"],
    )  # fmt: skip
    return providers.add(wanted, [brand])


VOUCHED: dict[str, object] = {
    "id": UUID(int=1),
    "slug": "other",
    "kind": "google",
    "issuer": "https://own.example",
    "client_id": "own",
    "client_secret": b"own",
    "domains": ["*"],
    "tenants": {"9188040d-6c67-4c5b-b112-36a304b66dad": ["mail.example"]},
    "recipients": False,
    "office": True,
    "senders": True,
    "enabled": False,
    "private": False,
}


@pytest.mark.parametrize("claim", VOUCHED)
def test_a_provider_that_was_changed_does_not_fit(provider: Provider, claim: str) -> None:
    if claim == "id":  # nothing else may point to the row
        provider.brands.clear()
    Provider.objects.update(**{claim: VOUCHED[claim]})
    assert not grants.fits(Provider.objects.get())


def test_all_of_a_provider_is_sealed_but_what_vouches_for_nobody() -> None:
    left = {field.name for field in Provider._meta.concrete_fields} - set(VOUCHED)
    assert left == {"name", "known", "known_at", "down_until", "seal"}


def at_corp(visitor: Visitor, issuer: Issuer, reader: Reader, between: Callable[[], object] = lambda: None) -> None:
    """Go to the provider, prove the reader's address there, and come back."""
    begun = visitor.post("/m/sign-in/corp/")["Location"]
    between()
    address = readers.address_of(reader)
    visitor.get(issuer.grant(begun, claims={"email": address, "email_verified": True}))


def test_a_provider_vouches_for_no_domain_that_was_written_to_its_row(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    at_corp(visitor, issuer, reader, lambda: Provider.objects.update(domains=["*"]))
    assert not Session.objects.exists() and forged() == [("provider", "changed")]
    change(Provider.objects.all())
    at_corp(visitor, issuer, reader)
    assert Session.objects.count() == 1


def test_nobody_is_sent_to_a_provider_whose_row_was_changed(
    visitor: Visitor, issuer: Issuer, provider: Provider, brand: Brand
) -> None:
    inside = make_reader(brand, "maya@aldervalley.example")
    Provider.objects.update(client_id="another")
    assert visitor.post(f"/m/{readers.link_of(inside)}/sign-in/corp/").status_code == 503
    assert forged() == [("provider", "changed")]


def test_a_provider_is_for_no_brand_that_it_was_not_switched_on_for(provider: Provider, other_brand: Brand) -> None:
    provider.brands.add(other_brand)
    assert not grants.fits(Provider.objects.get())


def test_a_provider_of_before_counts_no_more_when_its_row_is_put_back(
    visitor: Visitor, issuer: Issuer, provider: Provider, brand: Brand
) -> None:
    inside = make_reader(brand, "maya@aldervalley.example")
    for take_away in (lambda: providers.switch(Provider.objects.get(), on=False), provider.delete):
        kept = Provider.objects.get()
        providers.remove(kept) if take_away == provider.delete else take_away()
        kept.pk = provider.pk
        kept.save()
        kept.brands.set([brand])
        assert visitor.post(f"/m/{readers.link_of(inside)}/sign-in/corp/").status_code == 503
        Provider.objects.filter(pk=provider.pk).update(enabled=False)
        change(Provider.objects.all(), enabled=True)
    assert forged() == [("provider", "ended")] * 2


def test_what_an_administrator_changes_of_a_provider_is_sealed_and_what_somebody_else_changed_is_not(
    visitor: Visitor, issuer: Issuer, provider: Provider, brand: Brand, other_brand: Brand
) -> None:
    inside = make_reader(brand, "maya@aldervalley.example")
    providers.switch(provider, on=False)
    providers.switch(providers.named("corp"), on=True, brands=[other_brand])
    providers.renew_secret(providers.named("corp"), SECRET)
    providers.tried(providers.named("corp"))
    at_corp(visitor, issuer, inside)
    assert Session.objects.count() == 1 and forged() == []
    Provider.objects.update(domains=["*"])
    with pytest.raises(ProviderUnusable, match="not as the portal wrote it"):
        providers.switch(providers.named("corp"), on=True)
    assert not grants.fits(Provider.objects.get())


# ------------------------------------------------------------------------------------------------ rows of before


def test_rows_of_before_are_sealed_once_and_none_that_comes_later(
    brand: Brand, phone: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring_of_before(tmp_path, monkeypatch).grants.begin()
    change(Brand.objects.all())
    brand.refresh_from_db()
    person = people.of_address(OWN)
    add(person, brand, phone)
    Passkey.objects.update(seal=b"")
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, phone)
    assert grants.seal_once()["passkey"] == 1
    assert sign_in(brand, phone).person == person
    Passkey.objects.update(seal=b"")
    assert grants.seal_once() == {}
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, phone)


def test_what_was_sealed_under_another_keyring_is_not_sealed_as_if_it_were_of_before(
    brand: Brand, phone: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(people.of_address(OWN), brand, phone)
    keyring_of_before(tmp_path, monkeypatch)
    assert grants.seal_once()["passkey"] == 0
    unfit = {(kind.name, found) for kind in grants.kinds() for _, found in grants.unfit(kind)}
    assert unfit == {("brand", "changed"), ("passkey", "changed")}


def test_every_kind_has_a_column_for_its_seal_and_a_name_of_its_own() -> None:
    kinds = grants.kinds()
    assert len({kind.name for kind in kinds}) == len(kinds)
    for kind in kinds:
        model: type[Model] = kind.model
        assert model._meta.get_field("seal").max_length == 48, kind.name
