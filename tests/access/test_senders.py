"""People inside the organisation sign in to see what they sent: who is let in, and what that is worth elsewhere."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from django.http import HttpResponse
from pytest_django.fixtures import Settings

from branding.models import Brand
from portal.access import administrators, cookies, delegates, people, providers, sessions
from portal.access.models import Person, Provider, Session, SignIn
from portal.access.providers import Wanted
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.directory import keeping
from portal.directory import models as directory
from portal.directory.models import Source
from portal.directory.sealed import Held
from portal.vault import readers
from tests.access.visitors import Clock, Visitor, make_reader, words
from tests.grants import change
from tests.peers.issuer import CLIENT, SECRET, Issuer

MAYA = "maya.lindqvist@aldervalley.example"
WAY_IN = "For people who work at Alder Valley Clinic. Sign in with your account there"


@pytest.fixture
def provider(issuer: Issuer, brand: Brand, settings: Settings) -> Provider:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, inside_domains=())
    change(Brand.objects.filter(pk=brand.pk), domains=["aldervalley.example"])
    wanted = Wanted(
        slug="corp", kind="oidc", client_id=CLIENT, secret=SECRET, name="Corp", issuer=issuer.url, private=True,
        domains=["aldervalley.example", "partner.example"], recipients=False, senders=True,
    )  # fmt: skip
    return providers.add(wanted, [brand])


def at_provider(visitor: Visitor, issuer: Issuer, address: str, **claims: object) -> HttpResponse:
    """Press the button, sign in there as this address, and follow the browser back."""
    asked = visitor.post("/sent/enter/corp/")
    return visitor.get(issuer.grant(asked["Location"], claims={"email": address, "email_verified": True, **claims}))


def is_in(visitor: Visitor) -> bool:
    return WAY_IN not in words(visitor.get("/sent/"))


def reason() -> object:
    return Entry.objects.get(kind="sender.sign_in_refused").facts["reason"]


def test_a_person_inside_is_let_in_by_a_session_of_its_own_kind(
    visitor: Visitor, issuer: Issuer, provider: Provider
) -> None:
    assert "Continue with Corp" in words(visitor.get("/sent/"))
    response = at_provider(visitor, issuer, MAYA)
    assert (response.status_code, response["Location"]) == (303, "/sent/")
    assert is_in(visitor)
    row = Session.objects.get()
    assert (row.sender, row.office, row.method, row.provider, row.level) == (True, False, "provider", "corp", 2)
    assert people.address_of(row.person) == MAYA
    assert not visitor.session and not visitor.cookie(cookies.OFFICE)
    assert Entry.objects.get(kind="sender.entered").facts == {"provider": "corp"}


def test_who_is_outside_is_told_so_and_gets_no_session(visitor: Visitor, issuer: Issuer, provider: Provider) -> None:
    """The provider vouches for a partner's domain as well; that does not make its people the brand's own."""
    told = at_provider(visitor, issuer, "eve@partner.example")["Location"]
    page = visitor.get(told)
    assert page.status_code == 403
    assert "You signed in with Corp as eve@partner.example. That is not an address of Alder Valley Clinic" in words(
        page
    )
    assert "Use another Corp account" in words(page)
    assert not Session.objects.exists() and not Person.objects.exists()
    assert reason() == "outside"
    assert visitor.post("/sent/enter/corp/", again="1")["Location"].count("prompt=login")


def test_the_other_address_is_shown_to_no_other_browser(
    visitor: Visitor, stranger: Visitor, issuer: Issuer, provider: Provider
) -> None:
    told = at_provider(visitor, issuer, "eve@partner.example")["Location"]
    assert stranger.get(told)["Location"] == "/sent/"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"email_verified": False}, "unverified"),
        ({"email": "maya@elsewhere.example"}, "domain"),
        ({"nonce": "x"}, "nonce"),
    ],
)
def test_what_proves_no_address_lets_nobody_in(
    visitor: Visitor, issuer: Issuer, provider: Provider, claims: dict[str, object], why: str
) -> None:
    page = visitor.get(at_provider(visitor, issuer, MAYA, **claims)["Location"])
    assert "Corp could not confirm that address." in words(page)
    assert reason() == why
    assert not Session.objects.exists()


def test_a_brand_without_domains_has_no_people(visitor: Visitor, issuer: Issuer, provider: Provider) -> None:
    change(Brand.objects.all(), domains=[])
    at_provider(visitor, issuer, MAYA)
    assert not Session.objects.exists()


def test_a_domain_of_the_settings_is_the_default_brands_until_another_names_it(
    visitor: Visitor, issuer: Issuer, provider: Provider, other_brand: Brand, settings: Settings
) -> None:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, inside_domains=("aldervalley.example",))
    change(Brand.objects.all(), domains=[])
    at_provider(visitor, issuer, MAYA)
    assert is_in(visitor)
    change(Brand.objects.filter(pk=other_brand.pk), domains=["aldervalley.example"])
    assert not is_in(visitor)


def test_a_domain_that_leaves_takes_its_people_along(visitor: Visitor, issuer: Issuer, provider: Provider) -> None:
    at_provider(visitor, issuer, MAYA)
    assert is_in(visitor)
    change(Brand.objects.all(), domains=["elsewhere.example"])
    assert not is_in(visitor)
    assert visitor.post("/sent/devices/", device="others").status_code == 200
    assert WAY_IN in words(visitor.get("/sent/devices/"))


@pytest.mark.parametrize("changed", [{"senders": False}, {"enabled": False}])
def test_a_provider_for_others_lets_no_sender_in(
    visitor: Visitor, issuer: Issuer, provider: Provider, changed: dict[str, bool]
) -> None:
    begun = visitor.post("/sent/enter/corp/")["Location"]
    change(Provider.objects.all(), recipients=True, office=True, **changed)
    assert "is not set up here" in words(visitor.get("/sent/"))
    assert visitor.post("/sent/enter/corp/")["Location"] == "/sent/"
    visitor.get(issuer.grant(begun, claims={"email": MAYA, "email_verified": True}))
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("again", "seconds_ago", "fresh"),
    [
        ("", None, False),
        ("1", None, False),
        ("prove", None, True),
        ("prove", 30, True),
        ("prove", 4000, False),
        ("", 30, True),
        ("", 4000, False),
        ("prove", "now", False),
    ],
)
def test_an_account_that_is_signed_in_there_already_is_no_fresh_proof(
    visitor: Visitor, issuer: Issuer, provider: Provider, again: str, seconds_ago: object, fresh: bool
) -> None:
    """Who sits at a browser that was left open is let through by the provider without a question."""
    asked = visitor.post("/sent/enter/corp/", **({"again": again} if again else {}))["Location"]
    assert ("prompt=login" in asked) is bool(again)
    assert ("max_age=600" in asked) is (again == "prove")
    at = int(time.time()) - seconds_ago if isinstance(seconds_ago, int) else seconds_ago
    claims = {"email": MAYA, "email_verified": True, **({} if at is None else {"auth_time": at})}
    visitor.get(issuer.grant(asked, claims=claims))
    if at == "now":
        assert not Session.objects.exists(), "what is no time proves nothing at all"
        return
    assert is_in(visitor) and Session.objects.get().anew is fresh
    page = visitor.get("/sent/delegates/add/")
    assert ("sign in again" in words(page)) is not fresh
    if not fresh:
        assert 'name="again" value="prove"' in page.content.decode()


def test_a_sign_in_ends_where_it_was_begun(visitor: Visitor, issuer: Issuer, provider: Provider, brand: Brand) -> None:
    """The three ways in share one redirect URI; the row says which it is."""
    change(Provider.objects.all(), office=True, recipients=True)
    administrators.add(MAYA, Role.OWNER, by=None)
    make_reader(brand, MAYA)
    at_provider(visitor, issuer, MAYA)
    assert visitor.get("/admin/").status_code == 303
    assert "Read your message" in words(visitor.get("/inbox/"))
    office, neutral = Visitor(brand), Visitor(brand)
    begun = office.post("/admin/enter/with/corp/")["Location"]
    office.get(issuer.grant(begun, claims={"email": MAYA, "email_verified": True}))
    begun = neutral.post("/m/sign-in/corp/")["Location"]
    neutral.get(issuer.grant(begun, claims={"email": MAYA, "email_verified": True}))
    assert office.get("/admin/").status_code == 200
    assert "Your messages" in words(neutral.get("/inbox/"))
    assert not is_in(office) and not is_in(neutral)


def test_its_token_is_worth_nothing_in_another_cookie(
    visitor: Visitor, issuer: Issuer, provider: Provider, brand: Brand
) -> None:
    """The sender administers too, and has a message here: only the kind of the session stands between."""
    administrators.add(MAYA, Role.OWNER, by=None)
    to_maya = make_reader(brand, MAYA)
    at_provider(visitor, issuer, MAYA)
    token = visitor.cookie(cookies.SENDER)
    visitor.client.cookies[cookies.SESSION] = token
    visitor.client.cookies[cookies.OFFICE] = token
    assert visitor.get("/admin/").status_code == 303
    assert "Read your message" in words(visitor.get("/inbox/"))
    assert "Email me a passcode" in words(visitor.get(f"/m/{readers.link_of(to_maya)}"))
    assert visitor.get(f"/m/{readers.link_of(to_maya)}/original")["Location"].startswith("/m/")
    assert not sessions.opens(Session.objects.get(), to_maya)


def test_a_readers_and_an_administrators_token_show_nothing_that_was_sent(
    visitor: Visitor, provider: Provider, brand: Brand
) -> None:
    maya = people.of_address(MAYA)
    for kind in ({}, {"office": True}, {"method": sessions.ENTRY}):
        token = sessions.begin(maya, brand, keep=False, **kind)  # type: ignore[arg-type]
        visitor.client.cookies[cookies.SENDER] = token
        assert not is_in(visitor)


def test_it_ends_when_nothing_happens_and_says_so(
    visitor: Visitor, issuer: Issuer, provider: Provider, clock: Clock
) -> None:
    at_provider(visitor, issuer, MAYA)
    clock.forward(minutes=29)
    assert visitor.get("/sent/session/").json()["seconds"] == 60  # type: ignore[attr-defined]
    assert visitor.post("/sent/session/").json()["seconds"] == 1800  # type: ignore[attr-defined]
    clock.forward(minutes=30)
    page = words(visitor.get("/sent/"))
    assert WAY_IN in page and "You were signed out because nothing happened for 30 minutes." in page


def test_each_proof_is_a_new_session(visitor: Visitor, issuer: Issuer, provider: Provider) -> None:
    at_provider(visitor, issuer, MAYA)
    first = visitor.cookie(cookies.SENDER)
    at_provider(visitor, issuer, MAYA)
    assert visitor.cookie(cookies.SENDER) != first
    assert Session.objects.count() == 1


def test_signing_out_ends_it_at_once_and_names_the_way_back(
    visitor: Visitor, issuer: Issuer, provider: Provider
) -> None:
    at_provider(visitor, issuer, MAYA)
    response = visitor.post("/sign-out/")
    assert response["Location"] == "/signed-out/?sender"
    assert not Session.objects.exists() and not visitor.cookie(cookies.SENDER)
    assert 'href="/sent/"' in visitor.get(response["Location"]).content.decode()
    assert Entry.objects.get(kind="sender.signed_out").facts == {"which": "here"}


def test_other_browsers_of_the_sender_are_listed_and_ended_and_no_reading_ones(
    visitor: Visitor, stranger: Visitor, issuer: Issuer, provider: Provider, brand: Brand
) -> None:
    at_provider(visitor, issuer, MAYA)
    at_provider(stranger, issuer, MAYA)
    sessions.begin(people.of_address(MAYA), brand, keep=False)
    page = words(visitor.get("/sent/devices/"))
    assert page.count("with Corp · signed in") == 2 and "by passcode" not in page
    ended = visitor.post("/sent/devices/", device="others")["Location"]
    assert "Signed out. These browsers are left." in words(visitor.get(ended))
    assert is_in(visitor) and not is_in(stranger)
    assert Session.objects.filter(sender=False).exists()
    assert Entry.objects.get(kind="sender.signed_out").facts == {"which": "others"}


def test_a_get_begins_and_ends_nothing(visitor: Visitor, issuer: Issuer, provider: Provider) -> None:
    assert visitor.get("/sent/enter/corp/")["Location"] == "/sent/"
    assert not SignIn.objects.exists()
    at_provider(visitor, issuer, MAYA)
    visitor.get("/sent/devices/?device=others")
    assert is_in(visitor)


def test_a_provider_that_is_down_is_said_and_no_passcode_is_promised(
    visitor: Visitor, issuer: Issuer, provider: Provider
) -> None:
    Provider.objects.update(known=b"", known_at=None)
    issuer.answers = {"/.well-known/openid-configuration": (500, {})}
    page = visitor.post("/sent/enter/corp/")
    assert page.status_code == 503
    assert "Corp did not answer. Try again in a few minutes." in words(page)
    assert "passcode" not in words(page)


def test_a_form_that_was_open_for_too_long_comes_back(brand: Brand, provider: Provider) -> None:
    browser = Visitor(brand, enforce_csrf=True)
    answer = browser.client.post("/sent/enter/corp/", headers={"origin": f"http://{brand.host}"})
    assert answer.status_code == 403
    assert "Continue with Corp" in words(answer)  # type: ignore[arg-type]


def test_whom_the_directory_switched_off_is_out_at_once_and_not_let_in_again(
    visitor: Visitor, issuer: Issuer, provider: Provider
) -> None:
    at_provider(visitor, issuer, MAYA)
    known = keeping.new_person(Held(MAYA), Source.SCIM)
    known.save()
    assert is_in(visitor)
    directory.Person.objects.update(active=False)
    assert not is_in(visitor)
    told = at_provider(visitor, issuer, MAYA)["Location"]
    assert visitor.get(told).status_code == 403
    assert not is_in(visitor)
    assert reason() == "inactive"
    sender, brand = people.of_address("ole@aldervalley.example"), provider.brands.get()
    with pytest.raises(delegates.NotInside):
        delegates.give(sender, MAYA, brand, delegates.By(delegates.SENDER, sender.pk))
    directory.Person.objects.update(active=True)
    assert is_in(visitor)
