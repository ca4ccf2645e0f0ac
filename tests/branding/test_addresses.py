"""A brand's host, domains and addresses: one brand's each, and nothing that a header or a browser reads otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from branding import addresses, choosing, departments
from branding.errors import BadPlace
from branding.models import Brand

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def public(settings: Any) -> None:
    settings.LETTERLOCK = dataclasses.replace(
        settings.LETTERLOCK, public_url="https://secure.aldervalley.example", bounce_domain="mail.portal.example"
    )


@pytest.fixture
def brands(db: None) -> tuple[Brand, Brand]:
    Brand.objects.all().delete()
    alder = Brand.objects.create(
        slug="alder",
        name="Alder",
        host="secure.aldervalley.example",
        domains=["aldervalley.example"],
        is_default=True,
    )
    harbour = Brand.objects.create(
        slug="harbour", name="Harbour", host="secure.harbour.example", domains=["harbour.example"]
    )
    return alder, harbour


def _why(read: Callable[[], object]) -> str:
    with pytest.raises(BadPlace) as caught:
        read()
    return str(caught.value)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("secure.example.org", "secure.example.org"),
        (" Secure.EXAMPLE.org. ", "secure.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_is_kept_as_browsers_ask_for_it(brands: tuple[Brand, Brand], said: str, kept: str) -> None:
    assert addresses.host(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "", " ", ".", "https://secure.example.org", "secure.example.org:443", "secure.example.org/", "a@b.example",
        "secure", "192.0.2.1", "0x7f.1", "[::1]", "1.2.3", "-a.example", "a_b.example", "a..example", "a b.example",
        "a" * 64 + ".example", "x." * 130 + "example", "secure.example.org\r\nX: y", "ex\u202eample.org",
        "secure.example.org%00.evil.example", "*.example.org",
    ],
)  # fmt: skip
def test_what_is_no_host_is_refused(brands: tuple[Brand, Brand], said: str) -> None:
    assert "name" in _why(lambda: addresses.host(said))


def test_a_host_is_one_brands(brands: tuple[Brand, Brand]) -> None:
    alder, harbour = brands
    assert "is the host of the brand alder" in _why(lambda: addresses.host("SECURE.aldervalley.example.", harbour))
    assert "is the host of the brand alder" in _why(lambda: addresses.host("secure.aldervalley.example"))
    assert addresses.host("secure.aldervalley.example", alder) == alder.host


def test_a_mail_domain_is_one_brands(brands: tuple[Brand, Brand]) -> None:
    alder, harbour = brands
    assert "is a mail domain of the brand alder" in _why(
        lambda: addresses.domains(["new.example", "@AlderValley.example"], harbour)
    )
    assert addresses.domains(["@aldervalley.example", "AlderValley.example", "x.example"], alder) == [
        "aldervalley.example",
        "x.example",
    ]
    assert "at most 200" in _why(lambda: addresses.domains([f"d{n}.example" for n in range(201)]))


@pytest.mark.parametrize(
    "said",
    [
        "messages@harbour.example", "messages@evil.example", "x@sub.aldervalley.example", "A <x@aldervalley.example>",
        "x@aldervalley.example, y@evil.example", "x@aldervalley.example\r\nBcc: y", "@aldervalley.example", "x",
        "=?utf-8?b?eA==?=@aldervalley.example\n", "bücher@aldervalley.example", '"x y"@aldervalley.example',
    ],
)  # fmt: skip
def test_a_brand_writes_from_no_domain_but_its_own(brands: tuple[Brand, Brand], said: str) -> None:
    _why(lambda: addresses.from_address(said, brands[0]))


def test_what_it_writes_from_is_what_was_named_while_the_domain_is_its_own(brands: tuple[Brand, Brand]) -> None:
    alder = brands[0]
    assert addresses.portal_address(alder) == "messages@secure.aldervalley.example"
    alder.from_address = addresses.from_address("Secure-Mail@AlderValley.example", alder)
    assert addresses.portal_address(alder) == "secure-mail@aldervalley.example"
    alder.domains = []
    assert addresses.portal_address(alder) == "messages@secure.aldervalley.example"


def test_bounces_come_back_to_the_domain_that_was_named(brands: tuple[Brand, Brand]) -> None:
    alder, harbour = brands
    assert addresses.bounce_domain(alder) == "mail.portal.example", "as the settings say"
    alder.bounce_address = addresses.bounce_address("bounce@aldervalley.example", alder)
    alder.save()
    assert addresses.bounce_domain(alder) == "aldervalley.example"
    assert addresses.bounce_domain(harbour) == "mail.portal.example"
    assert addresses.bounce_domains() >= {"aldervalley.example", "secure.harbour.example"}
    assert addresses.bounce_address("bounce@mail.portal.example", harbour) == "bounce@mail.portal.example"
    assert "no domain of this brand" in _why(lambda: addresses.bounce_address("bounce@aldervalley.example", harbour))
    assert "bounce@ a domain" in _why(lambda: addresses.bounce_address("returns@aldervalley.example", alder))


def test_an_archived_brand_takes_no_new_messages_and_keeps_its_host(brands: tuple[Brand, Brand]) -> None:
    alder, harbour = brands
    assert choosing.of_domain("Harbour.example") == harbour
    assert choosing.named("harbour") == harbour
    Brand.objects.filter(pk=harbour.pk).update(archived_at=timezone.now(), write_to=True)
    assert choosing.of_domain("harbour.example") == alder
    assert choosing.named("harbour") is None
    assert choosing.of_host("secure.harbour.example") == harbour
    assert departments.offered(Brand.objects.get(pk=harbour.pk)) == []
    assert choosing.of_slug("harbour") == harbour, "what was written to it before is still its own"


def test_on_one_computer_a_host_may_be_one_word() -> None:
    assert settings.LETTERLOCK.public_url.startswith("https://")
    assert "no whole host name" in _why(lambda: addresses.host("localhost"))
