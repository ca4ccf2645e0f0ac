"""The administrators' way in by passkey, provider and link; where it leads; and what its sessions are worth."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from django.http import HttpResponse

from branding.models import Brand
from portal.access import administrators, cookies, entry, passkeys, people, providers, sessions
from portal.access.credentials import Passkey
from portal.access.models import Person, Provider, Session
from portal.access.providers import Wanted
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.vault import readers
from portal.vault.models import Reader
from tests.access.offices import (
    ADA,
    EBBA,
    PASSWORD,
    add_passkey,
    by_link,
    device,
    is_in,
    method_of,
    office_session,
    use_passkey,
    with_passkey,
)
from tests.access.visitors import Clock, Visitor, words
from tests.grants import change
from tests.peers.issuer import CLIENT, SECRET, Issuer

JONAS = "jonas.berg@mail.example"


@pytest.fixture
def provider(issuer: Issuer, brand: Brand) -> Provider:
    wanted = Wanted(
        slug="corp", kind="oidc", client_id=CLIENT, secret=SECRET, name="Corp", issuer=issuer.url, private=True,
        domains=["aldervalley.example"], recipients=False, office=True,
    )  # fmt: skip
    return providers.add(wanted, [brand])


def at_provider(visitor: Visitor, issuer: Issuer, address: str, **more: str) -> HttpResponse:
    """Press the button, sign in there as this address, and follow the browser back."""
    asked = visitor.post("/admin/enter/with/corp/", **more)
    return visitor.get(issuer.grant(asked["Location"], claims={"email": address, "email_verified": True}))


# -------------------------------------------------------------------------------------------------------- passkeys


def test_a_passkey_lets_its_administrator_in(visitor: Visitor, stranger: Visitor, brand: Brand) -> None:
    person, phone = with_passkey(visitor, brand, ADA)
    page = words(stranger.get("/admin/enter/"))
    assert "Sign in with a passkey" in page
    assert "Password" not in page
    assert use_passkey(stranger, phone)["Location"] == "/admin/"
    assert is_in(stranger)
    session = office_session(stranger)
    assert (session.person, session.method, session.level, session.office) == (person, "passkey", 3, True)
    entered = Entry.objects.filter(kind="administrator.entered").order_by("-id")[0]
    assert entered.facts == {"person": str(person.id), "method": "passkey"}


def test_it_opens_no_message_and_a_readers_lets_nobody_in(
    visitor: Visitor, stranger: Visitor, brand: Brand, reader: Reader
) -> None:
    """An owner could make any address an administrator: that must not be a way to read its mail."""
    _person, office_phone = with_passkey(visitor, brand, JONAS)
    options = json.loads(stranger.post("/passkey/ask/").content)
    answer = stranger.post(f"/m/{readers.link_of(reader)}/passkey/", answer=office_phone.sign(options))
    assert answer.status_code in (403, 422)
    assert not stranger.session
    private = device(brand)
    mine = people.of_reader(reader)
    asked = passkeys.ask_to_add(mine, brand, b"b" * 32, user_name=JONAS)
    passkeys.add(mine, brand, b"b" * 32, private.make(asked), proved_at=sessions.timezone.now())
    refused = use_passkey(stranger, private)
    assert refused.status_code == 422
    assert not is_in(stranger)


def test_one_whose_holder_lost_the_role_opens_nothing(visitor: Visitor, stranger: Visitor, brand: Brand) -> None:
    person, phone = with_passkey(visitor, brand, ADA)
    administrators.owner(EBBA)
    Person.objects.filter(pk=person.pk).update(role=Role.READER)  # as if only the role had been taken
    assert use_passkey(stranger, phone).status_code == 422
    assert not is_in(stranger)
    Person.objects.filter(pk=person.pk).update(role=Role.OWNER)
    administrators.remove(person, by=None)
    assert not Passkey.objects.exists()


@pytest.mark.parametrize("answer", ["", "{}", "[]", "x" * 20_000, '{"rawId": "AAAA"}'])
def test_what_is_no_answer_lets_nobody_in(visitor: Visitor, stranger: Visitor, brand: Brand, answer: str) -> None:
    with_passkey(visitor, brand, ADA)
    assert stranger.post("/admin/enter/passkey/", answer=answer).status_code == 422
    assert not is_in(stranger)


def test_adding_and_removing_one_need_a_fresh_proof(visitor: Visitor, brand: Brand, clock: Clock) -> None:
    _person, phone = with_passkey(visitor, brand, ADA)
    options = json.loads(visitor.post("/admin/you/passkeys/ask/").content)
    removal = f"/admin/you/passkeys/{Passkey.objects.get().id}/remove/"
    clock.forward(minutes=10)
    assert visitor.post("/admin/you/passkeys/ask/").status_code == 403
    late = visitor.post("/admin/you/passkeys/", answer=device(brand).make(options))
    assert late["Location"] == "/admin/enter/?next=%2Fadmin%2Fyou%2F"
    assert visitor.post(removal)["Location"].startswith("/admin/enter/?next=")
    assert Passkey.objects.count() == 1
    assert use_passkey(visitor, phone, next=removal)["Location"] == removal
    assert "you need a one-time link to get in" in words(visitor.get(removal))
    lost = Visitor(brand)
    use_passkey(lost, phone)
    assert is_in(lost)
    assert visitor.post(removal)["Location"] == "/admin/you/"
    assert not Passkey.objects.exists()
    assert is_in(visitor) and not is_in(lost), "what it had begun ends with it, but for where it is removed"


def test_nobody_removes_the_passkey_of_another(visitor: Visitor, stranger: Visitor, brand: Brand) -> None:
    with_passkey(visitor, brand, ADA)
    with_passkey(stranger, brand, EBBA)
    other = Passkey.objects.get(person__lookup=readers.address_lookup(EBBA).hex())
    assert visitor.post(f"/admin/you/passkeys/{other.id}/remove/").status_code == 404
    assert Passkey.objects.count() == 2


# ------------------------------------------------------------------------------------------ the organisation's own


def test_the_organisations_sign_in_lets_in_who_has_a_role(visitor: Visitor, issuer: Issuer, provider: Provider) -> None:
    person = administrators.add(ADA, Role.SUPPORT, by=None)
    page = visitor.get("/admin/enter/")
    assert "Continue with Corp" in words(page)
    assert issuer.url in page["Content-Security-Policy"], "or Chromium would not follow the form"
    link = visitor.get(f"/admin/enter/{entry.make(person)}")
    assert issuer.url not in link["Content-Security-Policy"], "this one leads there by no form"
    assert issuer.url in visitor.get("/admin/enter/of-nobody")["Content-Security-Policy"], "and this one does again"
    back = at_provider(visitor, issuer, "Ada@AlderValley.example", next="/admin/messages/")
    assert (back.status_code, back["Location"]) == (303, "/admin/messages/")
    session = office_session(visitor)
    assert (session.person, session.method, session.provider, session.level) == (person, "provider", "corp", 2)
    assert visitor.get("/admin/messages/").status_code == 200
    assert visitor.get("/admin/people/").status_code == 403
    administrators.owner(EBBA)
    administrators.change(person, Role.OWNER, by=None)
    assert "can also sign in with Corp" in words(visitor.get("/admin/people/"))


def test_whom_it_proves_without_a_role_stays_outside(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, brand: Brand
) -> None:
    administrators.owner(ADA)
    for address in ("eve@aldervalley.example", JONAS, "mallory@aldervalley.example"):
        back = at_provider(visitor, issuer, address)
        page = words(visitor.get(back["Location"]))
        assert "That did not let you in." in page
        assert address not in page
        assert "did not let you in" not in words(Visitor(brand).get(back["Location"])), (
            "another browser was not refused"
        )
    assert "did not let you in" not in words(visitor.get("/admin/enter/?failed=1")), "nor does a link say so"
    assert not Session.objects.exists()
    reasons = [one.facts["reason"] for one in Entry.objects.filter(kind="administrator.sign_in_refused").order_by("id")]
    assert reasons == ["no_role", "domain"], "the same again within the hour is not noted: anyone may come back"


def test_an_office_sign_in_opens_no_message_and_recipients_are_not_offered_it(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    assert "Continue with Corp" not in words(visitor.get(f"/m/{readers.link_of(reader)}"))
    administrators.owner(JONAS)
    change(Provider.objects.all(), domains=["*"])
    at_provider(visitor, issuer, JONAS)
    assert is_in(visitor)
    assert not visitor.session
    assert "First, confirm" in words(visitor.get(f"/m/{readers.link_of(reader)}"))


def test_it_is_asked_anew_and_a_sign_in_of_long_ago_is_no_fresh_proof(
    visitor: Visitor, issuer: Issuer, provider: Provider
) -> None:
    """Else an account that is signed in at a browser left open would be proof enough to let somebody else in."""
    administrators.owner(ADA)
    for seconds, status in ((30, 200), (4000, 303)):
        asked = visitor.post("/admin/enter/with/corp/")["Location"]
        assert "prompt=login" in asked and "max_age=600" in asked
        claims = {"email": ADA, "email_verified": True, "auth_time": int(time.time()) - seconds}
        visitor.get(issuer.grant(asked, claims=claims))
        assert is_in(visitor)
        assert visitor.get("/admin/people/add/").status_code == status


def test_one_for_recipients_lets_no_administrator_in(visitor: Visitor, issuer: Issuer, provider: Provider) -> None:
    administrators.owner(ADA)
    asked = visitor.post("/admin/enter/with/corp/")
    change(Provider.objects.all(), office=False, recipients=True)
    assert visitor.post("/admin/enter/with/corp/")["Location"] == "/admin/enter/"
    back = visitor.get(issuer.grant(asked["Location"], claims={"email": ADA, "email_verified": True}))
    assert back["Location"] == "/admin/enter/", "it was switched off meanwhile"
    assert "Continue with Corp" not in words(visitor.get("/admin/enter/"))
    assert not Session.objects.exists()


def test_a_way_back_ends_in_the_browser_that_began_it(
    visitor: Visitor, stranger: Visitor, issuer: Issuer, provider: Provider
) -> None:
    administrators.owner(ADA)
    asked = visitor.post("/admin/enter/with/corp/")
    back = issuer.grant(asked["Location"], claims={"email": ADA, "email_verified": True})
    stranger.get("/admin/enter/")
    assert stranger.get(back)["Location"] == "/sign-in/over/"
    assert not Session.objects.exists()


# ---------------------------------------------------------------------------------------------- where it leads back


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ("/admin/people/add/", "/admin/people/add/"),
        ("/admin/", "/admin/"),
        ("https://evil.example/admin/", "/admin/"),
        ("//evil.example/", "/admin/"),
        ("/admin/../m/x/", "/admin/"),
        ("/admin//evil.example/", "/admin/"),
        ("/admin/\\evil.example/", "/admin/"),
        ("/admin/enter/passkey/", "/admin/"),
        ("/m/", "/admin/"),
        ("/admin/people/?x=1", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
        ("/admin/people/\r\nSet-Cookie: a=b", "/admin/"),
        (f"/admin/{'a' * 112}/", f"/admin/{'a' * 112}/"),
        (f"/admin/{'a' * 113}/", "/admin/"),
    ],
)
def test_a_proof_leads_to_pages_of_the_office_alone(visitor: Visitor, brand: Brand, asked: str, leads: str) -> None:
    _person, phone = with_passkey(visitor, brand, ADA)
    assert use_passkey(visitor, phone, next=asked)["Location"] == leads


# -------------------------------------------------------------------------------------------------------- sessions


def test_a_session_ends_after_half_an_hour_of_nothing_and_after_eight_hours(
    visitor: Visitor, brand: Brand, clock: Clock
) -> None:
    _person, phone = with_passkey(visitor, brand, ADA)
    clock.forward(minutes=29)
    assert is_in(visitor)
    clock.forward(minutes=30)
    assert not is_in(visitor)
    use_passkey(visitor, phone)
    for _ in range(16):
        clock.forward(minutes=29)
        assert is_in(visitor)
    clock.forward(minutes=17)
    assert not is_in(visitor), "eight hours since the proof"


def test_a_proof_gives_a_new_token_and_ends_the_old_one(visitor: Visitor, stranger: Visitor, brand: Brand) -> None:
    _person, phone = with_passkey(visitor, brand, ADA)
    old = visitor.cookie(cookies.OFFICE)
    use_passkey(visitor, phone)
    assert visitor.cookie(cookies.OFFICE) != old
    stranger.client.cookies[cookies.OFFICE] = old
    assert not is_in(stranger)


def test_who_signs_out_here_is_shown_the_administrators_way_back(visitor: Visitor, brand: Brand) -> None:
    with_passkey(visitor, brand, ADA)
    away = visitor.post("/sign-out/")["Location"]
    assert not is_in(visitor)
    assert 'href="/admin/enter/"' in visitor.get(away).content.decode()
    assert "/admin/" not in visitor.get("/signed-out/").content.decode()


def test_signing_out_elsewhere_leaves_this_browser_alone(visitor: Visitor, stranger: Visitor, brand: Brand) -> None:
    person, phone = with_passkey(visitor, brand, ADA)
    use_passkey(stranger, phone)
    reading = sessions.begin(person, brand, keep=False)
    assert words(visitor.get("/admin/you/")).count("Another browser") == 1
    assert visitor.post("/admin/you/sign-out/")["Location"] == "/admin/you/"
    assert is_in(visitor)
    assert not is_in(stranger)
    assert Session.objects.filter(token=cookies.digest(reading)).exists(), "of the office alone"


# ------------------------------------------------------------------------------------------------- the first start


def first(brand: Brand) -> Person:
    from portal.operations.administrators import first_link

    assert first_link()
    return Person.objects.get(role=Role.OWNER)


def test_the_first_administrator_says_who_they_are_and_adds_a_passkey(
    visitor: Visitor, stranger: Visitor, brand: Brand
) -> None:
    nameless = first(brand)
    assert by_link(visitor, nameless)["Location"] == "/admin/first/"
    assert "Who are you?" in words(visitor.get("/admin/first/"))
    assert visitor.post("/admin/first/password/", password=PASSWORD)["Location"] == "/admin/first/"
    phone = device(brand)
    assert visitor.post("/admin/you/passkeys/ask/").status_code == 403, "an authenticator could not say whose it is"
    assert visitor.post("/admin/you/passkeys/", answer="{}")["Location"] == "/admin/first/"
    assert not Passkey.objects.exists()
    for typed, said in (("ada at home", "not a complete address"), ("", "not a complete address")):
        answer = visitor.post("/admin/first/", address=typed)
        assert answer.status_code == 422
        assert said in words(answer)
    assert visitor.post("/admin/first/", address="Ada@AlderValley.example")["Location"] == "/admin/first/"
    person = Person.objects.get(role=Role.OWNER)
    assert people.address_of(person) == ADA
    assert not Person.objects.filter(pk=nameless.pk).exists()
    assert "Add a passkey" in words(visitor.get("/admin/first/"))
    assert add_passkey(visitor, phone)["Location"] == "/admin/"
    assert is_in(visitor)
    assert use_passkey(stranger, phone)["Location"] == "/admin/"
    assert method_of(person) == "passkey"


def test_an_address_is_said_once_and_is_no_other_administrators(visitor: Visitor, brand: Brand) -> None:
    nameless = first(brand)
    administrators.add(EBBA, Role.SUPPORT, by=None)
    by_link(visitor, nameless)
    assert visitor.post("/admin/first/", address=EBBA).status_code == 422
    visitor.post("/admin/first/", address=ADA)
    assert visitor.post("/admin/first/", address="eve@aldervalley.example").status_code == 422
    assert {people.address_of(one) for one in Person.objects.exclude(role=Role.READER)} == {ADA, EBBA}


def test_saying_a_readers_address_opens_none_of_their_mail(visitor: Visitor, brand: Brand, reader: Reader) -> None:
    people.of_reader(reader)
    by_link(visitor, first(brand))
    visitor.post("/admin/first/", address=JONAS)
    assert is_in(visitor)
    assert "First, confirm" in words(visitor.get(f"/m/{readers.link_of(reader)}"))
    assert not visitor.session


def test_the_first_run_is_for_a_fresh_proof(visitor: Visitor, brand: Brand, clock: Clock) -> None:
    by_link(visitor, first(brand))
    clock.forward(minutes=10)
    assert visitor.get("/admin/first/")["Location"] == "/admin/enter/?next=%2Fadmin%2Ffirst%2F"
    assert visitor.post("/admin/first/", address=ADA).status_code == 303
    assert not people.address_of(Person.objects.get(role=Role.OWNER))


def test_who_has_a_passkey_is_not_asked_for_one_again(visitor: Visitor, stranger: Visitor, brand: Brand) -> None:
    person, _phone = with_passkey(visitor, brand, ADA)
    assert by_link(stranger, person)["Location"] == "/admin/"


def test_a_new_link_ends_the_one_before(visitor: Visitor, brand: Brand) -> None:
    person = administrators.owner(ADA)
    old, new = entry.make(person), entry.make(person)
    assert visitor.post(f"/admin/enter/{old}").status_code == 410
    assert visitor.post(f"/admin/enter/{new}").status_code == 303
    assert timedelta(hours=24) == entry.LIFE


def test_no_other_site_can_press_a_button_of_the_office(visitor: Visitor, brand: Brand) -> None:
    person, _phone = with_passkey(visitor, brand, ADA)
    forged = Visitor(brand, enforce_csrf=True)
    forged.client.cookies[cookies.OFFICE] = visitor.cookie(cookies.OFFICE)
    for page in (
        "/admin/people/add/",
        f"/admin/people/{person.id}/remove/",
        "/admin/you/passkeys/",
        "/admin/you/sign-out/",
    ):
        assert forged.post(page, address=EBBA, role="owner", reason="left").status_code == 403, page
    link = entry.make(person)
    assert Visitor(brand, enforce_csrf=True).post(f"/admin/enter/{link}").status_code == 403
    assert entry.find(link) is not None
    assert Person.objects.exclude(role=Role.READER).count() == 1
