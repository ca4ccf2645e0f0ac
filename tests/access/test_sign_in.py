"""Signing in at a provider: what opens the message, and everything that must not."""

from __future__ import annotations

import base64
import socket
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.utils import timezone

from branding.models import Brand
from portal.access import cookies, passkeys, people, providers
from portal.access.credentials import Passkey
from portal.access.models import Authenticator, Provider, Session, SignIn
from portal.access.oidc import flow
from portal.access.oidc.proofs import CONSUMERS
from portal.access.providers import Wanted
from portal.audit.models import Entry
from portal.keys.split import code_of, new_share
from portal.vault import parcels, parking, readers
from portal.vault.models import Parked, Reader
from tests.access.visitors import Clock, Visitor, make_reader, words
from tests.grants import change
from tests.peers.issuer import CLIENT, SECRET, Issuer

OURS = {"email": "jonas.berg@mail.example", "email_verified": True}


def make(server: Issuer, *brands: Brand, slug: str = "corp", **fields: object) -> Provider:
    wanted = {"kind": "oidc", "name": "Corp", "issuer": server.url, "domains": ["mail.example"], **fields}
    return providers.add(Wanted(slug=slug, client_id=CLIENT, secret=SECRET, private=True, **wanted), brands)  # type: ignore[arg-type]


@pytest.fixture
def provider(issuer: Issuer, brand: Brand) -> Provider:
    return make(issuer, brand)


def press(visitor: Visitor, reader: Reader, slug: str = "corp", **more: str) -> HttpResponse:
    return visitor.post(f"/m/{readers.link_of(reader)}/sign-in/{slug}/", **more)


def asked(visitor: Visitor, reader: Reader, slug: str = "corp") -> str:
    response = press(visitor, reader, slug)
    assert response.status_code == 303
    return response["Location"]


def come_back(
    visitor: Visitor, issuer: Issuer, reader: Reader, claims: dict[str, object], slug: str = "corp", **more: str
) -> HttpResponse:
    """Press the button, sign in there, and follow the browser back."""
    return visitor.get(issuer.grant(asked(visitor, reader, slug), claims=claims, **more))


def refused(visitor: Visitor, response: HttpResponse) -> str:
    """The words of the page to which a way back led; nobody may be signed in."""
    assert response.status_code == 303
    assert not visitor.session
    assert not Session.objects.exists()
    assert "code=" not in response["Location"] and "state=" not in response["Location"]
    page = visitor.get(response["Location"])
    assert page.status_code in (403, 422)
    return words(page)


UNPROVED = "Corp could not confirm that address. Use a passcode instead."


def reason() -> object:
    return Entry.objects.get(kind="recipient.sign_in_refused").facts["reason"]


# ------------------------------------------------------------------------------------------------ the way that works


def test_the_right_address_opens_the_message(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    location = asked(visitor, reader)
    query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    assert location.startswith(f"{issuer.url}/auth?")
    assert (query["response_type"], query["scope"], query["client_id"]) == ("code", "openid email", CLIENT)
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == "http://secure.aldervalley.example:8000/sign-in/corp/back/"
    assert "prompt" not in query and "login_hint" not in query
    response = visitor.get(issuer.grant(location, claims=OURS))
    assert (response.status_code, response["Location"]) == (303, f"/m/{readers.link_of(reader)}")
    session = Session.objects.get()
    assert (session.method, session.provider, session.level, session.office) == ("provider", "corp", 2, False)
    assert Entry.objects.get(kind="recipient.confirmed").facts == {
        "method": "provider",
        "provider": "corp",
        "kept": False,
        "device": "other",
        "language": "en-gb",
    }


@pytest.mark.parametrize(("seconds", "enough"), [(None, False), (30, True), (4000, False)])
def test_how_a_person_confirms_is_changed_only_after_the_provider_asked_who_it_is(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, seconds: int | None, enough: bool
) -> None:
    """An account that is merely signed in at a browser left open is enough to read, and for nothing that lasts."""
    at = {} if seconds is None else {"auth_time": int(time.time()) - seconds}
    come_back(visitor, issuer, reader, {**OURS, **at})
    assert visitor.get("/inbox/").status_code == 200 and visitor.session
    assert (visitor.post("/settings/passkeys/ask/").status_code == 200) is enough
    visitor.post("/settings/authenticator/")
    assert Authenticator.objects.exists() is enough
    assert ("First we email you a passcode" in words(visitor.get("/settings/"))) is not enough


def test_where_no_passcodes_are_sent_the_provider_asks_anew_and_leads_back_to_the_settings(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    change(Brand.objects.all(), methods=["corp", "passkey"])
    come_back(visitor, issuer, reader, OURS)
    assert "First you sign in again" in words(visitor.get("/settings/"))
    page = visitor.post("/settings/confirm/")
    assert "Sign in again: that shows it is you." in words(page)
    assert 'name="again" value="prove"' in page.content.decode()
    location = visitor.post("/m/sign-in/corp/", again="prove")["Location"]
    assert "prompt=login" in location and "max_age=600" in location
    assert visitor.get(issuer.grant(location, claims=OURS))["Location"] == "/settings/"
    assert visitor.post("/settings/passkeys/ask/").status_code == 200


def test_nothing_of_the_secrets_stands_in_the_row(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    query = parse_qs(urlsplit(asked(visitor, reader)).query)
    row = SignIn.objects.get()
    for secret in (query["state"][0], query["nonce"][0], visitor.cookie("browser")):
        assert secret.encode() not in bytes(row.state) + bytes(row.secrets) + bytes(row.browser)
    assert SECRET.encode() not in bytes(Provider.objects.get().client_secret)
    assert SECRET not in repr(vars(Provider.objects.get()))


def test_the_address_may_be_told_by_userinfo(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    issuer.drops = {"email", "email_verified"}
    assert come_back(visitor, issuer, reader, OURS)["Location"] == f"/m/{readers.link_of(reader)}"


def test_the_code_of_a_split_message_is_kept_over_the_way_there(
    visitor: Visitor, issuer: Issuer, provider: Provider, brand: Brand
) -> None:
    split = make_reader(brand, "jonas.berg@mail.example", split="strict")
    share = code_of(new_share())
    press(visitor, split, share=share)
    kept = visitor.client.cookies["share"]
    assert (kept.value, kept["path"]) == (share, f"/m/{readers.link_of(split)}")


def test_a_sign_in_begun_at_a_posted_file_leads_back_to_it(
    visitor: Visitor, issuer: Issuer, provider: Provider, brand: Brand
) -> None:
    travels = make_reader(brand, "jonas.berg@mail.example", delivery="attachment")
    size, pieces = parcels.pack(travels.message, {})
    handle = parking.park(travels, "192.0.2.0/24", size, pieces)
    at = f"/m/{handle}"
    first = visitor.post(f"{at}/sign-in/corp/")["Location"]
    turned = visitor.get(issuer.grant(first, claims={}, error="access_denied"))
    assert turned["Location"] == f"{at}/sign-in/corp/"
    assert handle.encode() not in bytes(SignIn.objects.get().secrets)
    assert visitor.get(issuer.grant(visitor.post(f"{at}/sign-in/corp/")["Location"], claims=OURS))["Location"] == at
    # Its half hour is over meanwhile: the link says that the file must be opened again.
    late = visitor.post(f"{at}/sign-in/corp/")["Location"]
    Parked.objects.all().delete()
    assert visitor.get(issuer.grant(late, claims=OURS))["Location"] == f"/m/{readers.link_of(travels)}"


def test_it_proves_the_mailbox_for_the_passkey_that_waits_in_this_browser(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    change(Brand.objects.all(), methods=["passkey", "corp"])  # no passcode could
    location, now = asked(visitor, reader), timezone.now()
    here, person = cookies.digest(visitor.cookie("browser")), people.of_reader(reader)
    for number, browser in enumerate((here, cookies.digest("another"))):
        Passkey.objects.create(
            person=person, brand=provider.brands.get(), credential=bytes([number]), public_key=b"", sign_count=0,
            made_at=now, proved_at=now - passkeys.PROVED_EVERY, waits_in=browser, waits_until=now + passkeys.WAITS,
        )  # fmt: skip
    change(Passkey.objects.all())
    visitor.get(issuer.grant(location, claims=OURS))
    assert [row.proved_at >= now for row in Passkey.objects.order_by("credential")] == [True, False]


def test_userinfo_of_another_person_proves_nothing(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    issuer.drops, issuer.userinfo = {"email"}, {"sub": "someone else"}
    assert UNPROVED in refused(visitor, come_back(visitor, issuer, reader, OURS))
    assert reason() == "sub"


def test_a_word_on_one_address_is_none_on_another(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    """The token says that some address is verified, and userinfo names one without saying that of it."""
    issuer.drops = {"email"}
    issuer.answers = {"/me": (200, {"sub": "subject", "email": OURS["email"]})}
    assert UNPROVED in refused(visitor, come_back(visitor, issuer, reader, OURS))
    assert reason() == "unverified"


def test_each_sign_in_counts_anew(visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader) -> None:
    come_back(visitor, issuer, reader, OURS)
    assert Session.objects.count() == 1
    Session.objects.all().delete()
    visitor.client.cookies.pop("session")
    text = refused(visitor, come_back(visitor, issuer, reader, {**OURS, "email": "jonas.new@mail.example"}))
    assert "You signed in with Corp as jonas.new@mail.example" in text


# ------------------------------------------------------------------------------------- addresses that prove nothing


def test_an_unproved_address_is_refused(visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader) -> None:
    assert UNPROVED in refused(visitor, come_back(visitor, issuer, reader, {**OURS, "email_verified": False}))
    assert reason() == "unverified"


def test_another_address_is_told_and_another_account_offered(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    text = refused(visitor, come_back(visitor, issuer, reader, {**OURS, "email": "anna@mail.example"}))
    assert "That is a different address" in text
    assert "You signed in with Corp as anna@mail.example. This message was sent to Jo•••••@mail.example" in text
    assert "Use another Corp account" in text
    assert "Email a passcode to" in text
    assert "jonas.berg" not in text.lower()
    again = press(visitor, reader, again="1")["Location"]
    assert parse_qs(urlsplit(again).query)["prompt"] == ["login"], "not all providers know select_account"


def test_the_other_address_is_shown_to_its_own_browser_only(
    visitor: Visitor, stranger: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    where = come_back(visitor, issuer, reader, {**OURS, "email": "anna@mail.example"})["Location"]
    response = stranger.get(where)
    assert (response.status_code, response["Location"]) == (303, f"/m/{readers.link_of(reader)}")


def test_nobody_is_linked_to_an_address_they_did_not_prove(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, brand: Brand
) -> None:
    anna = make_reader(brand, "anna@mail.example")
    come_back(visitor, issuer, reader, {**OURS, "email": "anna@mail.example"})
    assert words(visitor.get(f"/m/{readers.link_of(anna)}")).count("Read your message")
    assert not Session.objects.exists()


# ------------------------------------------------------------------------------------------------- tokens that lie


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "of another sign-in"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another client"}, "aud"),
        ({"aud": ["another client", "and another"]}, "aud"),
        ({"aud": [CLIENT, "another client"]}, "azp"),
        ({"aud": CLIENT, "azp": "another client"}, "azp"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"exp": 1_000_000_000}, "exp"),
        ({"iat": 4_000_000_000}, "iat"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
    ],
    ids=lambda value: str(value),
)
def test_a_token_of_anyone_or_anything_else_is_refused(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, claims: dict[str, object], why: str
) -> None:
    assert UNPROVED in refused(visitor, come_back(visitor, issuer, reader, {**OURS, **claims}))
    assert reason() == why


@pytest.mark.parametrize("signature", ["none", "HS256"])
def test_a_token_that_anyone_could_have_signed_is_refused(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, signature: str
) -> None:
    issuer.signature = signature
    assert UNPROVED in refused(visitor, come_back(visitor, issuer, reader, OURS))
    assert reason() == "alg"


@pytest.mark.parametrize(
    ("name", "algorithm"), [("first", "PS256"), ("P-256", "ES256"), ("P-384", "ES384"), ("Ed25519", "Ed25519")]
)
def test_providers_may_sign_in_other_ways(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, name: str, algorithm: str
) -> None:
    issuer.signs, issuer.publishes, issuer.header = name, ["first", "second", name], {"alg": algorithm}
    assert come_back(visitor, issuer, reader, OURS)["Location"] == f"/m/{readers.link_of(reader)}"


def test_a_key_of_another_kind_than_the_token_says_is_refused(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    issuer.signs, issuer.publishes, issuer.header = "P-256", ["first"], {"alg": "ES256", "kid": "first"}
    assert UNPROVED in refused(visitor, come_back(visitor, issuer, reader, OURS))
    assert reason() == "signature"


def test_a_token_under_a_stranger_s_key_is_refused(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    issuer.signs, issuer.header = "stranger", {"kid": "first"}
    assert UNPROVED in refused(visitor, come_back(visitor, issuer, reader, OURS))
    assert reason() == "signature"


def test_a_new_key_is_looked_for_once_and_found(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    issuer.signs, issuer.publishes = "second", ["first", "second"]
    before = issuer.asked.count("/jwks")
    assert come_back(visitor, issuer, reader, OURS)["Location"] == f"/m/{readers.link_of(reader)}"
    assert issuer.asked.count("/jwks") == before + 1


def test_a_key_that_nobody_published_is_looked_for_once(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    issuer.signs = "second"
    before = issuer.asked.count("/jwks")
    assert UNPROVED in refused(visitor, come_back(visitor, issuer, reader, OURS))
    assert (reason(), issuer.asked.count("/jwks")) == ("key", before + 1)


def _junk() -> list[object]:
    def part(text: bytes) -> str:
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

    first = part(b'{"alg":"RS256","kid":"first"}')
    heads = (
        b"[]",
        b"{}",
        b'{"alg":7}',
        b'{"alg":["RS256"]}',
        b'{"alg":"RS256","kid":{}}',
        b'{"alg":"ES256","kid":"first"}',
    )
    tokens = [f"{part(head)}.e30.AAAA" for head in (*heads, b"[" * 9000)]
    return ["", ".", "a.b.c", "a.b.c.d.e", "é.b.c", "\ud800", None, 7, [], f"{first}.W10.AAAA", "x" * 20_000, *tokens]


def test_junk_in_place_of_a_token_is_refused(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    for token in _junk():
        issuer.answers = {"/token": (200, {"id_token": token, "access_token": "access"})}
        assert "/sign-in/" in come_back(visitor, issuer, reader, OURS)["Location"]
    assert SignIn.objects.filter(outcome="refused").count() == len(_junk())
    assert not Session.objects.exists()


def test_who_comes_back_with_junk_again_and_again_does_not_fill_the_record(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, clock: Clock
) -> None:
    def junk() -> int:
        for _ in range(3):
            state = parse_qs(urlsplit(asked(visitor, reader)).query)["state"][0]
            assert visitor.get(f"/sign-in/corp/back/?state={state}").status_code == 303
        return Entry.objects.filter(kind="recipient.sign_in_refused").count()

    assert junk() == 1
    clock.forward(minutes=61)
    assert junk() == 2


def test_one_network_begins_no_more_than_a_large_office_would(
    brand: Brand, issuer: Issuer, provider: Provider, reader: Reader, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "MOST_OF_A_NETWORK", 3)
    change(Provider.objects.all(), office=True)

    def begin(where: str, address: str) -> int:
        visitor = Visitor(brand)  # a new browser each time
        visitor.client.defaults["REMOTE_ADDR"] = address
        return visitor.post(where).status_code

    at, office = f"/m/{readers.link_of(reader)}/sign-in/corp/", "/admin/enter/with/corp/"
    assert [begin(at, f"192.0.2.{host}") for host in range(4)] == [303, 303, 303, 429]
    assert begin(office, "192.0.2.9") == 429
    assert [begin(office, f"2001:db8:7:{net}::1") for net in range(4)] == [303, 303, 303, 429]
    assert begin(at, "198.51.100.1") == 303
    assert begin(at, "127.0.0.1") == 303, "a proxy that does not say for whom it asks is no network"
    assert SignIn.objects.count() == 8
    clock.forward(minutes=11)
    assert begin(office, "192.0.2.9") == 303


@pytest.mark.parametrize(
    "claims", [{"email": "\ud800@mail.example"}, {"email": "a@b\x00.example"}, {"email": "x" * 9000}]
)
def test_an_address_that_is_junk_is_refused(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, claims: dict[str, object]
) -> None:
    issuer.drops, issuer.userinfo = {"email"}, claims
    assert UNPROVED in refused(visitor, come_back(visitor, issuer, reader, OURS))
    assert reason() == "no_address"


# ---------------------------------------------------------------------------------- ways back that do not fit


OVER = "That sign-in was not begun in this browser, or it has ended."


def test_a_way_back_works_once(visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader) -> None:
    way = issuer.grant(asked(visitor, reader), claims={**OURS, "email_verified": False})
    visitor.get(way)
    issuer.claims = OURS
    assert OVER in refused(visitor, visitor.get(way))
    # A fresh code does not bring the used state back to life.
    again = issuer.grant(
        f"{issuer.url}/auth?{urlsplit(way).query}&redirect_uri=http://x/sign-in/corp/back/", claims=OURS
    )
    assert OVER in refused(visitor, visitor.get(again))


def test_a_code_works_once(visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader) -> None:
    first, second = asked(visitor, reader), ""
    code = parse_qs(urlsplit(issuer.grant(first, claims=OURS)).query)["code"][0]
    second = issuer.grant(asked(visitor, reader), claims=OURS)
    state = parse_qs(urlsplit(second).query)["state"][0]
    # Someone else's code in one's own browser: the verifier does not fit it (RFC 7636).
    assert UNPROVED in refused(visitor, visitor.get(f"/sign-in/corp/back/?code={code}&state={state}"))
    assert reason() == "code"


def test_another_browser_cannot_end_it_nor_use_it_up(
    visitor: Visitor, stranger: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    way = issuer.grant(asked(visitor, reader), claims=OURS)
    assert OVER in refused(stranger, stranger.get(way))
    press(stranger, reader)  # now it has a cookie of its own
    assert OVER in refused(stranger, stranger.get(way))
    assert visitor.get(way)["Location"] == f"/m/{readers.link_of(reader)}"


def test_an_old_way_back_is_over(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, clock: Clock
) -> None:
    way = issuer.grant(asked(visitor, reader), claims=OURS)
    clock.forward(minutes=11)
    assert OVER in refused(visitor, visitor.get(way))


@pytest.mark.parametrize("query", ["", "state=", "state=x&code=y", "state=%00&code=%ff", "error=access_denied"])
def test_a_way_back_that_nobody_began_leads_to_the_neutral_page(
    visitor: Visitor, provider: Provider, query: str
) -> None:
    assert OVER in refused(visitor, visitor.get(f"/sign-in/corp/back/?{query}"))


def test_a_parameter_that_comes_twice_counts_as_none(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    way = issuer.grant(asked(visitor, reader), claims=OURS)
    assert OVER in refused(visitor, visitor.get(f"{way}&state=again"))
    assert UNPROVED in refused(visitor, visitor.get(f"{way}&code=again"))


def test_another_brand_s_client_opens_nothing(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, other_brand: Brand
) -> None:
    theirs = make_reader(other_brand, "jonas.berg@mail.example")
    elsewhere = Visitor(other_brand)
    assert press(elsewhere, theirs)["Location"] == f"/m/{readers.link_of(theirs)}"
    make(issuer, other_brand, slug="harbour")
    way = issuer.grant(asked(visitor, reader), claims=OURS)
    # The same cookies and the same state, at the other brand's host and with the other brand's provider.
    elsewhere.client.cookies = visitor.client.cookies
    assert OVER in refused(elsewhere, elsewhere.get(way))
    assert OVER in refused(elsewhere, elsewhere.get(way.replace("/corp/", "/harbour/")))


def test_an_administrator_s_sign_in_opens_no_message(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, brand: Brand
) -> None:
    press(visitor, reader)
    url = flow.begin(provider, brand, cookies.digest(visitor.cookie(cookies.BROWSER)), office=True)
    response = visitor.get(issuer.grant(url, claims=OURS))
    assert (response.status_code, response["Location"]) == (303, "/admin/enter/")
    assert not Session.objects.exists()


def test_another_provider_s_way_back_is_not_this_one_s(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, brand: Brand
) -> None:
    make(issuer, brand, slug="second")
    way = issuer.grant(asked(visitor, reader), claims=OURS)
    assert OVER in refused(visitor, visitor.get(way.replace("/corp/", "/second/")))


def test_a_mix_up_is_noticed(visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader) -> None:
    """RFC 9207: an issuer that is named must be the right one, and one that is announced must be named."""
    asked_before = issuer.asked.count("/token")
    assert UNPROVED in refused(visitor, come_back(visitor, issuer, reader, OURS, iss="https://evil.example"))
    assert (reason(), issuer.asked.count("/token")) == ("iss", asked_before)
    issuer.discovery = {"authorization_response_iss_parameter_supported": True}
    providers.tried(provider)
    assert UNPROVED in refused(visitor, come_back(visitor, issuer, reader, OURS))
    response = come_back(visitor, issuer, reader, OURS, iss=issuer.url)
    assert response["Location"] == f"/m/{readers.link_of(reader)}"


def test_a_head_uses_nothing_up(visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader) -> None:
    way = issuer.grant(asked(visitor, reader), claims=OURS)
    visitor.client.head(way)
    assert visitor.get(way)["Location"] == f"/m/{readers.link_of(reader)}"


def test_what_is_switched_off_meanwhile_opens_nothing(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    way = issuer.grant(asked(visitor, reader), claims=OURS)
    providers.switch(provider, on=False)
    assert OVER in refused(visitor, visitor.get(way))


# --------------------------------------------------------------------------------------- providers that fail


def test_who_turns_back_may_choose_another_way(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    state = parse_qs(urlsplit(asked(visitor, reader)).query)["state"][0]
    text = refused(visitor, visitor.get(f"/sign-in/corp/back/?error=access_denied&state={state}"))
    assert "You did not finish signing in with Corp. Choose a way to continue." in text
    assert "Email me a passcode" in text


@pytest.mark.parametrize(
    "answer", [(500, {}), (200, b"<html>"), (200, b"x" * 300_000), (302, b"{}"), (401, {"error": "invalid_client"})]
)
def test_a_provider_that_fails_at_the_end_is_told_apart(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, answer: tuple[int, object]
) -> None:
    issuer.answers = {"/token": answer}
    text = refused(visitor, come_back(visitor, issuer, reader, OURS))
    assert "Corp did not answer. Use a passcode, or try again in a few minutes." in text
    assert "/moved" not in issuer.asked
    # One person's failure takes the button from nobody.
    assert asked(visitor, reader)


def test_a_provider_that_falls_silent_at_the_end_is_left_alone_too(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        issuer.discovery = {"token_endpoint": f"http://127.0.0.1:{closed.getsockname()[1]}/token"}
    providers.tried(provider)
    refused(visitor, come_back(visitor, issuer, reader, OURS))
    assert press(visitor, reader).status_code == 503


def test_a_clock_that_was_set_back_keeps_no_provider_down(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, clock: Clock
) -> None:
    Provider.objects.update(down_until=clock() + timedelta(seconds=60))
    assert press(visitor, reader).status_code == 503
    clock.forward(hours=-1)
    assert asked(visitor, reader)


def test_a_provider_that_is_down_is_left_alone_for_a_minute_and_the_passcode_stays(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, clock: Clock
) -> None:
    clock.forward(minutes=61)
    issuer.answers = {"/openid-configuration": (503, {})}
    page = press(visitor, reader)
    assert page.status_code == 503
    assert "Corp did not answer. Use a passcode, or try again in a few minutes." in words(page)
    assert "Email me a passcode" in words(page)
    before = len(issuer.asked)
    shown = visitor.get(f"/m/{readers.link_of(reader)}").content.decode()
    assert 'aria-disabled="true"' in shown and "/sign-in/corp/" not in shown
    press(visitor, reader)
    assert len(issuer.asked) == before
    issuer.answers = {}
    clock.forward(minutes=1, seconds=1)
    assert asked(visitor, reader)


# ------------------------------------------------------------------------------------------------- Microsoft


TENANT = "72f988bf-0000-41af-91ab-2d7cd011db47"


def entra(issuer: Issuer, brand: Brand, word: str = "common", **fields: object) -> Provider:
    place = {"common": "{tenantid}", "consumers": CONSUMERS}.get(word, word)
    issuer.name = f"{issuer.url}/{place}/v2.0"
    return make(
        issuer,
        brand,
        slug="microsoft",
        kind="microsoft",
        name="",
        issuer=f"{issuer.url}/{word}/v2.0",
        domains=[],
        **fields,
    )


def work(issuer: Issuer, tenant: str, **claims: object) -> dict[str, object]:
    return {"tid": tenant, "iss": f"{issuer.url}/{tenant}/v2.0", "email": "jonas.berg@mail.example", **claims}


def test_microsoft_for_all_tenants_takes_each_tenant_s_own_issuer(
    visitor: Visitor, issuer: Issuer, brand: Brand, reader: Reader
) -> None:
    entra(issuer, brand)
    other = "deadbeef-dead-beef-dead-beefdeadbeef"
    wrong = work(issuer, TENANT, xms_edov=True, iss=f"{issuer.url}/{other}/v2.0")
    refused(visitor, come_back(visitor, issuer, reader, wrong, "microsoft"))
    assert reason() == "iss"
    response = come_back(visitor, issuer, reader, work(issuer, TENANT, xms_edov=True), "microsoft")
    assert response["Location"] == f"/m/{readers.link_of(reader)}"


def test_microsoft_s_address_alone_proves_nothing(
    visitor: Visitor, issuer: Issuer, brand: Brand, reader: Reader
) -> None:
    entra(issuer, brand)
    text = refused(visitor, come_back(visitor, issuer, reader, work(issuer, TENANT, email_verified=True), "microsoft"))
    assert "Microsoft could not confirm that address. Use a passcode instead." in text
    assert reason() == "unverified"


def test_a_client_of_one_tenant_takes_no_other_tenant(
    visitor: Visitor, issuer: Issuer, brand: Brand, reader: Reader
) -> None:
    entra(issuer, brand, TENANT, tenants=[f"{TENANT}=mail.example"])
    other = "deadbeef-dead-beef-dead-beefdeadbeef"
    refused(visitor, come_back(visitor, issuer, reader, work(issuer, other, xms_edov=True), "microsoft"))
    assert reason() == "iss"
    response = come_back(visitor, issuer, reader, work(issuer, TENANT), "microsoft")
    assert response["Location"] == f"/m/{readers.link_of(reader)}"


def test_a_key_for_personal_accounts_signs_for_no_company(
    visitor: Visitor, issuer: Issuer, brand: Brand, reader: Reader
) -> None:
    issuer.key_facts = {"issuer": f"{issuer.url}/{CONSUMERS}/v2.0"}
    entra(issuer, brand)
    refused(visitor, come_back(visitor, issuer, reader, work(issuer, TENANT, xms_edov=True), "microsoft"))
    assert reason() == "key"
    response = come_back(visitor, issuer, reader, work(issuer, CONSUMERS), "microsoft")
    assert response["Location"] == f"/m/{readers.link_of(reader)}"


def test_personal_accounts_alone_have_their_tenant_s_issuer(
    visitor: Visitor, issuer: Issuer, brand: Brand, reader: Reader
) -> None:
    entra(issuer, brand, "consumers")
    refused(visitor, come_back(visitor, issuer, reader, work(issuer, TENANT, xms_edov=True), "microsoft"))
    assert reason() == "iss"
    response = come_back(visitor, issuer, reader, work(issuer, CONSUMERS), "microsoft")
    assert response["Location"] == f"/m/{readers.link_of(reader)}"


def test_without_passcodes_no_page_speaks_of_one(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader, brand: Brand
) -> None:
    brand.methods = ["corp"]
    brand.save()
    text = refused(visitor, come_back(visitor, issuer, reader, {**OURS, "email_verified": False}))
    assert "Corp could not confirm that address." in text
    assert "passcode" not in text.lower()
    text = refused(visitor, come_back(visitor, issuer, reader, {**OURS, "email": "anna@mail.example"}))
    assert "passcode" not in text.lower()


def test_microsoft_asks_userinfo_for_nothing(visitor: Visitor, issuer: Issuer, brand: Brand, reader: Reader) -> None:
    entra(issuer, brand)
    issuer.drops = {"email"}
    refused(visitor, come_back(visitor, issuer, reader, work(issuer, TENANT, xms_edov=True), "microsoft"))
    assert (reason(), "/me" in issuer.asked) == ("no_address", False)


def test_a_token_is_good_for_a_minute_after_its_end_at_most(
    visitor: Visitor, issuer: Issuer, provider: Provider, reader: Reader
) -> None:
    now = int(time.time())
    refused(visitor, come_back(visitor, issuer, reader, {**OURS, "iat": now - 400, "exp": now - 62}))
    assert reason() == "exp"
    response = come_back(visitor, issuer, reader, {**OURS, "iat": now - 400, "exp": now - 30})
    assert response["Location"] == f"/m/{readers.link_of(reader)}"
