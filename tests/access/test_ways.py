"""What the first page offers: one provider that fits, the others folded away, and never a button that cannot work."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from branding.models import Brand
from portal.access import places, ways
from portal.access.models import Challenge, Provider
from portal.access.more import CodeAsked
from portal.access.oidc import known
from portal.vault import readers
from portal.vault.models import Reader
from tests.access.visitors import Visitor, make_provider, make_reader, words
from tests.grants import change

WEB_VIEWS = [
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UD1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/120.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "[FBAN/FBIOS;FBAV/440.0]",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36 Instagram 300.0",
]
BROWSERS = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile "
    "Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
    "",
]


@pytest.fixture
def great(brand: Brand) -> dict[str, Provider]:
    return {
        "google": make_provider(brand, "google", "google", "gmail.com", "googlemail.com"),
        "microsoft": make_provider(brand, "microsoft", "microsoft", "outlook.*", "hotmail.*"),
        "yahoo": make_provider(brand, "yahoo", "yahoo", "yahoo.*"),
    }


def first_page(brand: Brand, address: str, agent: str = BROWSERS[0]) -> tuple[str, Any]:
    reader = make_reader(brand, address)
    response = Visitor(brand).client.get(f"/m/{readers.link_of(reader)}", headers={"User-Agent": agent})
    assert response.status_code == 200
    return response.content.decode(), response


def outside(page: str) -> list[str]:
    """Names on the buttons that are shown at once."""
    return _names(re.sub(r"<details.*?</details>", "", page, flags=re.DOTALL))


def folded(page: str) -> list[str]:
    return _names("".join(re.findall(r"<details.*?</details>", page, flags=re.DOTALL)))


def _names(page: str) -> list[str]:
    return re.findall(r"Continue with (\w+)", page)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("a@gmail.com", "Google"),
        ("a@googlemail.com", "Google"),
        ("a@outlook.com", "Microsoft"),
        ("a@hotmail.co.uk", "Microsoft"),
        ("a@yahoo.co.jp", "Yahoo"),
        ("a@yahoo.fr", "Yahoo"),
    ],
)
def test_exactly_the_one_that_fits_is_shown_at_once(
    brand: Brand, great: dict[str, Provider], address: str, name: str
) -> None:
    page, _ = first_page(brand, address)
    assert outside(page) == [name]
    assert sorted([*folded(page), name]) == ["Google", "Microsoft", "Yahoo"]
    assert "Email me a passcode" in page


@pytest.mark.parametrize(
    "address", ["a@mail.example", "a@gmail.com.evil.example", "a@yahoo.evil.example", "a@notgmail.com"]
)
def test_where_none_fits_all_are_folded_away(brand: Brand, great: dict[str, Provider], address: str) -> None:
    page, _ = first_page(brand, address)
    assert outside(page) == []
    assert folded(page) == ["Google", "Microsoft", "Yahoo"]


def test_without_providers_the_page_is_as_it_was(brand: Brand) -> None:
    page, response = first_page(brand, "a@gmail.com")
    assert "Continue with" not in page
    assert "form-action 'self';" in response["Content-Security-Policy"] + ";"


def test_a_company_s_own_provider_comes_first_and_only_for_its_own_people(
    brand: Brand, great: dict[str, Provider]
) -> None:
    make_provider(brand, "corp", "oidc", "corp.example")
    page, _ = first_page(brand, "a@corp.example")
    assert outside(page) == ["Corp"]
    assert page.index("Continue with Corp") < page.index("Email me a passcode")
    assert page.count("btn--go") == 1
    others, _ = first_page(brand, "a@mail.example")
    assert "Continue with Corp" not in others


def test_the_policy_lets_forms_lead_to_the_providers_that_are_shown(brand: Brand, great: dict[str, Provider]) -> None:
    _, response = first_page(brand, "a@gmail.com")
    policy = response["Content-Security-Policy"]
    found = re.search(r"form-action ([^;]*)", policy)
    assert found is not None
    assert found[1].split() == [
        "'self'",
        "https://google.example",
        "https://pages.google.example",
        "https://microsoft.example",
        "https://pages.microsoft.example",
        "https://login.live.com",
        "https://yahoo.example",
        "https://pages.yahoo.example",
    ]
    assert "script-src 'self'" in policy


def test_a_brand_chooses_which_are_shown_and_the_server_holds_to_it(brand: Brand, great: dict[str, Provider]) -> None:
    brand.methods = ["passcode", "yahoo"]
    brand.save()
    page, _ = first_page(brand, "a@gmail.com")
    assert (outside(page), folded(page)) == ([], ["Yahoo"])
    reader = make_reader(brand, "b@gmail.com")
    link = readers.link_of(reader)
    response = Visitor(brand).post(f"/m/{link}/sign-in/google/")
    assert (response.status_code, response["Location"]) == (303, f"/m/{link}")


@pytest.mark.parametrize("changed", [{"enabled": False}, {"recipients": False}])
def test_what_is_off_or_for_the_office_is_not_shown(
    brand: Brand, great: dict[str, Provider], changed: dict[str, bool]
) -> None:
    change(Provider.objects.filter(slug="google"), **changed)
    page, _ = first_page(brand, "a@gmail.com")
    assert "Google" not in page
    reader = make_reader(brand, "b@gmail.com")
    assert Visitor(brand).post(f"/m/{readers.link_of(reader)}/sign-in/google/")["Location"].startswith("/m/")


def test_a_provider_is_shown_under_its_own_brands_only(
    brand: Brand, other_brand: Brand, great: dict[str, Provider]
) -> None:
    page, _ = first_page(other_brand, "a@gmail.com")
    assert "Continue with" not in page


def test_with_passcodes_off_only_providers_are_offered_and_no_passcode_is_mailed(
    brand: Brand, great: dict[str, Provider]
) -> None:
    brand.methods = ["google"]
    brand.save()
    page, _ = first_page(brand, "a@gmail.com")
    assert "passcode" not in page.lower()
    assert outside(page) == ["Google"]
    assert page.count("btn--go") == 1
    reader = make_reader(brand, "b@gmail.com")
    visitor = Visitor(brand)
    response = visitor.ask(reader)
    assert response.status_code == 422
    assert "Passcodes are switched off here. Choose another way to confirm." in words(response)
    for address in ("b@gmail.com", "nobody@gmail.com"):
        found = visitor.find(address)
        assert (found.status_code, address in found.content.decode()) == (422, False)
        assert "Passcodes are switched off here. Choose another way to confirm." in words(found)
    assert not Challenge.objects.exists()


def test_with_passcodes_off_and_every_provider_down_the_passcode_is_back(
    brand: Brand, great: dict[str, Provider]
) -> None:
    brand.methods = ["google", "yahoo"]
    brand.save()
    Provider.objects.filter(slug="google").update(down_until=timezone.now() + timedelta(seconds=50))
    assert "Email me a passcode" not in first_page(brand, "a@gmail.com")[0]
    Provider.objects.filter(slug="yahoo").update(down_until=timezone.now() + timedelta(seconds=50))
    assert "Email me a passcode" in first_page(brand, "b@gmail.com")[0]
    assert Visitor(brand).ask(make_reader(brand, "c@gmail.com"))["Location"].endswith("/passcode/")


@pytest.mark.parametrize("agent", WEB_VIEWS)
def test_inside_another_app_google_is_replaced_by_the_page_s_address(
    brand: Brand, great: dict[str, Provider], agent: str
) -> None:
    page, response = first_page(brand, "a@gmail.com", agent)
    assert "To use Google, open this page in your browser." in words(response)
    assert f"http://{brand.host}:8000/m/" in page
    assert "Continue with Google" not in page
    assert "Continue with Microsoft" in page
    assert "google.example" not in response["Content-Security-Policy"]


@pytest.mark.parametrize("agent", BROWSERS)
def test_a_browser_is_no_web_view(brand: Brand, great: dict[str, Provider], agent: str) -> None:
    assert "Continue with Google" in first_page(brand, "a@gmail.com", agent)[0]


def test_signed_in_as_someone_else_without_passcodes_offers_the_providers(
    brand: Brand, great: dict[str, Provider], reader: Reader, visitor: Visitor
) -> None:
    visitor.prove(reader)
    brand.methods = ["google"]
    brand.save()
    response = visitor.get(f"/m/{readers.link_of(make_reader(brand, 'karin@gmail.com'))}")
    assert response.status_code == 403
    assert "Continue with Google" in words(response)
    assert "passcode" not in words(response).lower()
    assert "https://google.example" in response["Content-Security-Policy"]


def test_the_page_asks_no_provider(brand: Brand, great: dict[str, Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("A provider was asked.")

    monkeypatch.setattr(known, "fetched", asked)
    Provider.objects.update(known_at=timezone.now() - timedelta(days=9))
    assert first_page(brand, "a@gmail.com")[0]


def test_no_link_stands_in_a_repr(brand: Brand, great: dict[str, Provider]) -> None:
    reader, request = make_reader(brand, "jonas.berg@gmail.com"), RequestFactory().get("/")
    found, place = ways.at(request, reader), places.at_link(reader)  # type: ignore[arg-type]
    shown = repr([found, found.fitting, place, CodeAsked(place.ask_url, young=False)])
    assert readers.link_of(reader) not in shown
