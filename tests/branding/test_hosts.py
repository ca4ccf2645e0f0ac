"""The Host header: it finds a registered brand or nothing, and what it says is never repeated."""

from __future__ import annotations

import dataclasses

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings

from branding import look
from branding.context import face
from branding.middleware import BrandOfHost
from branding.models import Brand

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def brands() -> dict[str, Brand]:
    Brand.objects.all().delete()
    made = (
        Brand(slug="alder", name="Alder Valley Clinic", host="localhost", is_default=True),
        Brand(slug="harbour", name="Harbour Legal", host="harbour.localhost", colour="#e8a33d"),
    )
    for brand in made:
        brand.save()
    return {brand.slug: brand for brand in made}


def _asked(host: str, path: str = "/help/") -> tuple[int, str, str]:
    """Status, body, and the slug of the brand that a view behind the middleware saw."""
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        brand = request.brand  # type: ignore[attr-defined]
        seen.append(brand.slug if brand else "")
        return HttpResponse("page")

    answer = BrandOfHost(view)(RequestFactory().get(path, HTTP_HOST=host))
    return answer.status_code, answer.content.decode(), seen[0] if seen else "-"


@pytest.mark.parametrize(
    ("host", "slug"),
    [
        ("localhost", "alder"),
        ("localhost:8000", "alder"),
        ("LOCALHOST:8000", "alder"),
        ("localhost.", "alder"),
        ("harbour.localhost:8000", "harbour"),
        ("127.0.0.1:8000", "alder"),
        ("[::1]:8000", "alder"),
    ],
)
def test_a_registered_host_has_its_brand(host: str, slug: str) -> None:
    assert _asked(host) == (200, "page", slug)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:8000", "local host", "a/b", "", "[::1", "127.0.0.2"],
)
def test_any_other_host_is_refused_in_plain_words_that_repeat_nothing(host: str) -> None:
    status, body, seen = _asked(host)
    assert (status, seen) == (400, "-")
    assert "evil" not in body
    assert "Use the link in the mail" in body


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_answered_under_any_host_without_the_database(path: str, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert _asked("10.1.2.3", path) == (200, "page", "")


def test_a_public_installation_does_not_answer_to_this_computer_s_numbers() -> None:
    public = dataclasses.replace(settings.LETTERLOCK, public_url="https://secure.aldervalley.example")
    with override_settings(LETTERLOCK=public):
        assert _asked("127.0.0.1:8000")[0] == 400


def test_a_brand_s_stylesheet_and_mark_may_be_kept_for_a_year(brands: dict[str, Brand]) -> None:
    harbour = brands["harbour"]
    for address, kind in ((look.css_url(harbour), "text/css"), (look.mark_url(harbour), "image/svg+xml")):
        answer = Client(headers={"host": "harbour.localhost"}).get(address)
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith(kind)
        assert "max-age=31536000" in answer["Cache-Control"]
        assert "immutable" in answer["Cache-Control"]
    assert b"#e8a33d" in look.css(harbour)


def test_a_changed_colour_changes_the_address_and_the_old_one_is_gone(brands: dict[str, Brand]) -> None:
    old = look.css_url(brands["harbour"])
    Brand.objects.filter(slug="harbour").update(colour="#1d3f8f")
    client = Client(headers={"host": "harbour.localhost"})
    assert client.get(old).status_code == 404
    assert client.get(look.css_url(Brand.objects.get(slug="harbour"))).status_code == 200


def test_one_host_does_not_serve_another_s_look(brands: dict[str, Brand]) -> None:
    assert Client(headers={"host": "localhost"}).get(look.css_url(brands["harbour"])).status_code == 404


def test_a_face_has_what_templates_name(brands: dict[str, Brand]) -> None:
    shown = face(brands["harbour"])
    assert shown.initials == "HL"
    assert shown.origin == f"http://{shown.origin_host}"
    assert shown.origin_host.startswith("harbour.localhost")
