"""The first administrator's password: when there is one, what it is worth, and all that it does not open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.http import HttpResponse
from pytest_django.fixtures import Settings

from branding.models import Brand
from portal import settings as product
from portal.access import administrators, authenticators, cookies, office_ways, passwords
from portal.access.models import Authenticator, Failed, Person, Provider, Session
from portal.access.office_errors import NotLetIn, PasswordClosed, PasswordTooCommon, PasswordTooLong, PasswordTooShort
from portal.access.roles import Role
from portal.audit.models import Entry
from tests.access.offices import (
    ADA,
    EBBA,
    PASSWORD,
    QuickHasher,
    add_passkey,
    by_link,
    device,
    is_in,
    method_of,
    office_session,
    shown,
    with_passkey,
    with_password,
)
from tests.access.visitors import Clock, Visitor, other_than, words

NEUTRAL = "That did not let you in. Check what you typed; after many tries, wait an hour."


@pytest.fixture(autouse=True)
def _quick(settings: Settings) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["tests.access.offices.QuickHasher"]
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


def wrong_for(person: Person, clock: Clock) -> str:
    """A code that the app does not show."""
    return other_than(shown(person, clock))[-6:]


def type_in(visitor: Visitor, address: str = ADA, password: str = PASSWORD, **more: str) -> HttpResponse:
    return visitor.post("/admin/enter/password/", address=address, password=password, **more)


def refused(visitor: Visitor, response: HttpResponse) -> None:
    assert response.status_code == 422
    assert NEUTRAL in words(response)
    assert not is_in(visitor)


# ------------------------------------------------------------------------------------------------- setting one up


def test_the_first_administrator_sets_one_and_the_office_stays_shut_until_the_app_is_there(
    visitor: Visitor, clock: Clock
) -> None:
    person = administrators.owner(ADA)
    assert by_link(visitor, person)["Location"] == "/admin/first/"
    assert "Use a password and an authenticator app instead" in words(visitor.get("/admin/first/"))
    answer = visitor.post("/admin/first/password/", password=PASSWORD)
    assert (answer.status_code, answer["Location"]) == (303, "/admin/you/authenticator/")
    for page in ("/admin/", "/admin/messages/", "/admin/people/", "/admin/you/"):
        assert visitor.get(page)["Location"] == "/admin/you/authenticator/", page
    visitor.post("/admin/you/authenticator/", begin="1")
    page = words(visitor.get("/admin/you/authenticator/"))
    assert authenticators.spelt(Authenticator.objects.get()) in page
    assert visitor.get("/admin/you/authenticator/picture")["Content-Type"] == "image/svg+xml"
    wrong = visitor.post("/admin/you/authenticator/", code=wrong_for(person, clock))
    assert wrong.status_code == 422
    assert "That code is not right" in words(wrong)
    assert not is_in(visitor)
    done = words(visitor.post("/admin/you/authenticator/", code=shown(person, clock)))
    assert "They are shown this once" in done
    assert is_in(visitor)
    assert visitor.get("/admin/you/authenticator/picture").status_code == 404


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("eleven char", PasswordTooShort),
        ("x" * 201, PasswordTooLong),
        ("1234567890123", PasswordTooCommon),
        ("Correct Horse Battery Staple", PasswordTooCommon),
        ("Password-2026!", PasswordTooCommon),
        ("１２３４５６７８９０１２", PasswordTooCommon),
        ("abababababab", PasswordTooCommon),
        ("!administrator!", PasswordTooCommon),
    ],
)
def test_what_is_short_or_tried_first_is_refused(brand: Brand, password: str, why: type[Exception]) -> None:
    person = administrators.owner(ADA)
    with pytest.raises(why) as found:
        passwords.set_first(person, password)
    assert password not in str(found.value)
    assert not Person.objects.get(pk=person.pk).has_usable_password()


def test_nobody_but_the_only_administrator_sets_one(visitor: Visitor) -> None:
    person = administrators.owner(ADA)
    by_link(visitor, person)
    administrators.add(EBBA, Role.SUPPORT, by=None)
    assert "Use a password" not in words(visitor.get("/admin/first/"))
    assert visitor.post("/admin/first/password/", password=PASSWORD).status_code == 422
    with pytest.raises(PasswordClosed):
        passwords.set_first(person, PASSWORD)


def test_with_a_provider_for_the_office_nobody_sets_one(visitor: Visitor, brand: Brand) -> None:
    person = administrators.owner(ADA)
    by_link(visitor, person)
    provider = Provider.objects.create(slug="corp", kind="oidc", name="Corp", issuer="https://x.example", office=True)
    assert office_ways.password_is_open(), "it is on for no brand, so nobody could sign in there"
    provider.brands.add(brand)
    assert visitor.post("/admin/first/password/", password=PASSWORD).status_code == 422
    Provider.objects.filter(pk=provider.pk).update(office=False)
    assert visitor.post("/admin/first/password/", password=PASSWORD).status_code == 303, "one for recipients only"


def test_it_is_kept_by_the_projects_hasher(brand: Brand, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    person = administrators.owner(ADA)
    passwords.set_first(person, PASSWORD)
    assert Person.objects.get(pk=person.pk).password.startswith("scrypt$16384$")


# ------------------------------------------------------------------------------------------------------ signing in


def test_password_and_code_let_in_and_neither_alone(visitor: Visitor, stranger: Visitor, clock: Clock) -> None:
    person, _codes = with_password(visitor, clock)
    answer = type_in(stranger, " Ada@AlderValley.example ")
    assert (answer.status_code, answer["Location"]) == (303, "/admin/enter/code/")
    first = stranger.cookie(cookies.OFFICE)
    for page in ("/admin/", "/admin/you/", "/admin/people/", "/admin/you/authenticator/", "/admin/first/"):
        assert stranger.get(page)["Location"].startswith("/admin/enter/"), page
    assert stranger.post("/admin/you/passkeys/ask/").status_code == 303
    done = stranger.post("/admin/enter/code/", code=shown(person, clock))
    assert (done.status_code, done["Location"]) == (303, "/admin/")
    assert is_in(stranger)
    assert method_of(person) == "totp"
    assert stranger.cookie(cookies.OFFICE) != first, "each proof, a new token"
    assert not Session.objects.filter(token=cookies.digest(first)).exists()
    assert not Failed.objects.exists(), "what was right is not counted"
    assert visitor.get("/admin/enter/code/")["Location"] == "/admin/enter/"


def test_a_code_alone_is_no_second_step_and_no_code_counts_twice(
    visitor: Visitor, stranger: Visitor, clock: Clock, brand: Brand
) -> None:
    person, _codes = with_password(visitor, clock)
    code = shown(person, clock)
    assert stranger.post("/admin/enter/code/", code=code)["Location"] == "/admin/enter/"
    type_in(stranger)
    stranger.post("/admin/enter/code/", code=code)
    assert is_in(stranger)
    third = Visitor(brand)
    type_in(third)
    refused(third, third.post("/admin/enter/code/", code=code))


def test_a_recovery_code_stands_in_once(visitor: Visitor, stranger: Visitor, clock: Clock, brand: Brand) -> None:
    _person, codes = with_password(visitor, clock)
    type_in(stranger)
    assert stranger.post("/admin/enter/code/", code=codes[0].upper())["Location"] == "/admin/"
    third = Visitor(brand)
    type_in(third)
    refused(third, third.post("/admin/enter/code/", code=codes[0]))


def test_the_page_asks_for_a_password_only_where_there_is_one(
    visitor: Visitor, stranger: Visitor, clock: Clock
) -> None:
    administrators.owner(ADA)
    assert 'name="password"' not in stranger.get("/admin/enter/").content.decode()
    with_password(visitor, clock)
    assert 'name="password"' in stranger.get("/admin/enter/").content.decode()


def test_the_second_step_waits_ten_minutes_and_no_longer(visitor: Visitor, stranger: Visitor, clock: Clock) -> None:
    person, _codes = with_password(visitor, clock)
    type_in(stranger)
    clock.forward(minutes=10)
    assert stranger.post("/admin/enter/code/", code=shown(person, clock))["Location"] == "/admin/enter/"
    assert not is_in(stranger)


def test_signing_out_ends_a_sign_in_that_is_half_done(visitor: Visitor, stranger: Visitor, clock: Clock) -> None:
    person, _codes = with_password(visitor, clock)
    type_in(stranger)
    half = office_session(stranger)
    stranger.post("/sign-out/")
    assert not Session.objects.filter(pk=half.pk).exists()
    assert stranger.post("/admin/enter/code/", code=shown(person, clock))["Location"] == "/admin/enter/"


def test_every_failure_reads_alike(visitor: Visitor, stranger: Visitor, clock: Clock) -> None:
    with_password(visitor, clock)
    tries = [
        {"password": PASSWORD.upper()},
        {"address": EBBA},
        {"address": "nobody at all"},
        {"password": ""},
        {"address": ""},
        {"password": "x" * 10_000},
        {"address": ADA * 1000},
        {"password": "\x00\ud7ff🙂"},
    ]
    pages = set()
    for typed in tries:
        answer = type_in(stranger, **typed)
        refused(stranger, answer)
        pages.add(words(answer))
    assert len(pages) == 1


def test_a_password_without_an_app_signs_nobody_in(visitor: Visitor, stranger: Visitor, clock: Clock) -> None:
    passwords.set_first(administrators.owner(ADA), PASSWORD)
    refused(stranger, type_in(stranger))


def test_who_is_no_administrator_any_more_has_no_password_either(
    visitor: Visitor, stranger: Visitor, clock: Clock
) -> None:
    person, _codes = with_password(visitor, clock)
    administrators.owner(EBBA)
    administrators.remove(person, by=None)
    refused(stranger, type_in(stranger))
    assert not Person.objects.get(pk=person.pk).has_usable_password()


def test_ten_wrong_ones_shut_the_address_to_strangers_for_an_hour_and_not_to_the_known_browser(
    visitor: Visitor, stranger: Visitor, clock: Clock
) -> None:
    person, _codes = with_password(visitor, clock)
    type_in(visitor)
    assert visitor.post("/admin/enter/code/", code=shown(person, clock)).status_code == 303
    clock.forward(minutes=1)
    for number in range(10):
        stranger.client.defaults["REMOTE_ADDR"] = f"10.0.{number}.1"
        refused(stranger, type_in(stranger, password=f"wrong {number}"))
    stranger.client.defaults["REMOTE_ADDR"] = "10.1.0.1"
    refused(stranger, type_in(stranger))
    assert type_in(visitor).status_code == 303, "it has a count of its own"
    clock.forward(minutes=61)
    assert type_in(stranger).status_code == 303


def test_ten_wrong_ones_shut_a_network_for_every_address(visitor: Visitor, stranger: Visitor, clock: Clock) -> None:
    with_password(visitor, clock)
    for number in range(10):
        stranger.client.defaults["REMOTE_ADDR"] = f"10.9.8.{number + 1}"
        refused(stranger, type_in(stranger, address=f"someone{number}@aldervalley.example"))
    refused(stranger, type_in(stranger))
    stranger.client.defaults["REMOTE_ADDR"] = "10.9.9.1"
    assert type_in(stranger).status_code == 303


def test_a_shut_network_shuts_out_no_known_browser_and_notes_no_more_addresses(
    visitor: Visitor, stranger: Visitor, clock: Clock
) -> None:
    person, _codes = with_password(visitor, clock)
    type_in(visitor)
    assert visitor.post("/admin/enter/code/", code=shown(person, clock)).status_code == 303
    for number in range(15):
        refused(stranger, type_in(stranger, address=f"someone{number}@aldervalley.example"))
    assert Failed.objects.count() == 20, "ten tries, each for its address and the network"
    # Spoken of by nobody in front of us: with plain http there is no proxy whose word counts.
    stranger.client.defaults["HTTP_X_FORWARDED_FOR"] = "192.0.2.7"
    refused(stranger, type_in(stranger))
    assert type_in(visitor).status_code == 303, "the same network, but it got in before"


def test_wrong_codes_are_counted_like_wrong_passwords(visitor: Visitor, stranger: Visitor, clock: Clock) -> None:
    person, _codes = with_password(visitor, clock)
    type_in(stranger)
    for _ in range(5):
        answer = stranger.post("/admin/enter/code/", code=wrong_for(person, clock))
        assert answer.status_code == 422
    assert Failed.objects.count() == 10, "for the address and for the network"
    refused(stranger, stranger.post("/admin/enter/code/", code=shown(person, clock)))  # the app's own budget is spent
    kinds = Entry.objects.filter(kind="administrator.password_failed")
    assert kinds.count() == 6
    assert kinds[0].facts == {"person": str(person.id)}


def test_an_unknown_address_costs_as_much_as_a_wrong_password(visitor: Visitor, clock: Clock) -> None:
    with_password(visitor, clock)
    administrators.add(EBBA, Role.SUPPORT, by=None)

    def hashes(address: str, password: str = "a wrong one at once") -> int:  # noqa: S107
        before = QuickHasher.worked
        with pytest.raises(NotLetIn):
            passwords.check(address, password, "10.0.0.0/24", "")
        return QuickHasher.worked - before

    passwords._nobodys()
    assert {hashes(ADA), hashes(EBBA), hashes("nobody@mail.example"), hashes("no address"), hashes("")} == {1}
    assert hashes(EBBA, "") == 1


# ----------------------------------------------------------------------------------------------- when it is over


def test_with_the_first_passkey_passwords_are_gone(
    visitor: Visitor, stranger: Visitor, clock: Clock, brand: Brand
) -> None:
    person, _codes = with_password(visitor, clock)
    type_in(stranger)
    half = office_session(stranger)
    assert add_passkey(visitor, device(brand)).status_code == 303
    assert not Person.objects.get(pk=person.pk).has_usable_password()
    assert not Session.objects.filter(pk=half.pk).exists()
    answer = type_in(stranger)
    assert answer.status_code == 422
    assert "Passwords are not used here any more." in words(answer)
    assert 'name="password"' not in visitor.get("/admin/enter/").content.decode()
    assert Entry.objects.get(kind="administrator.password_ended").facts == {"person": str(person.id)}


def test_a_passkey_of_someone_else_ends_them_too(
    visitor: Visitor, stranger: Visitor, clock: Clock, brand: Brand
) -> None:
    with_password(visitor, clock)
    with_passkey(stranger, brand, EBBA, Role.SUPPORT)
    assert not Person.objects.exclude(password__startswith="!").exists()


def test_another_phone_takes_a_code_of_the_old_one(visitor: Visitor, clock: Clock) -> None:
    person, codes = with_password(visitor, clock)
    assert "10 recovery codes are left" in words(visitor.get("/admin/you/"))
    wrong = visitor.post("/admin/you/authenticator/renew/", code=wrong_for(person, clock))
    assert wrong.status_code == 422
    assert authenticators.of(person) is not None
    assert visitor.post("/admin/you/authenticator/renew/", code=codes[1]).status_code == 303
    assert authenticators.of(person) is None
    assert visitor.get("/admin/")["Location"] == "/admin/you/authenticator/"
