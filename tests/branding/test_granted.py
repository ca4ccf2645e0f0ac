"""Whoever writes the database leads no link elsewhere, and makes no brand: what the keyring does not list is absent."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from branding import addresses, choosing, versions
from branding.errors import BrandForged
from branding.models import Brand
from branding.refusals import NotPublishable
from branding.sealing import CLAIMED
from portal.access import grants
from portal.audit.models import Entry
from portal.keys.service import keys

pytestmark = pytest.mark.django_db
CHANGED: dict[str, Any] = {
    "slug": "other",
    "host": "evil.example",
    "domains": ["evil.example"],
    "from_address": "messages@evil.example",
    "bounce_address": "bounce@evil.example",
    "is_default": False,
    "methods": ["corp"],
    "minimum_level": 1,
    "session_scope": "brand",
    "forward_domains": None,
}


@pytest.fixture
def brand() -> Brand:
    Brand.objects.all().delete()
    return Brand.objects.create(
        slug="alder",
        name="Alder",
        host="secure.alder.example",
        domains=["alder.example"],
        forward_domains=["alder.example"],
        methods=["passcode"],
        minimum_level=2,
        session_scope="message",
        is_default=True,
        postal_address="Alder Street 4",
    )


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def forged() -> list[tuple[Any, Any]]:
    found = Entry.objects.filter(kind="grant.forged").order_by("id")
    return [(entry.facts["what"], entry.facts["how"]) for entry in found]


def test_each_of_its_names_and_ways_is_tried_here() -> None:
    assert set(CHANGED) == CLAIMED


@pytest.mark.parametrize("column", CHANGED)
def test_a_brand_that_was_changed_has_no_page_and_no_link(brand: Brand, column: str) -> None:
    assert choosing.of_host(brand.host) == brand and "//secure.alder.example:" in choosing.origin(brand)
    Brand.objects.update(**{column: CHANGED[column]})
    now = Brand.objects.get()
    assert choosing.of_host(now.host) is None
    assert choosing.named(now.slug) is None
    for meant in (
        lambda: choosing.origin(now),
        lambda: choosing.of_slug(now.slug),
        lambda: choosing.of_domain(now.domains[0]),
    ):
        with pytest.raises(BrandForged, match="grants list"):
            meant()
    assert forged() == [("brand", "unlisted")]


def test_how_a_brand_looks_and_what_new_messages_get_is_not_sealed(brand: Brand) -> None:
    sql("UPDATE branding_brand SET colour = '#000000', open_days = 5")
    assert choosing.of_host(brand.host) is not None


def test_a_brand_that_was_put_there_takes_nobody_s_mail_and_makes_no_name_known(brand: Brand) -> None:
    Brand.objects.bulk_create([Brand(slug="a", name="A", host="evil.example", domains=["alder.example"])])
    own = Brand.objects.get(slug="a")
    assert choosing.of_domain("alder.example") == brand
    assert choosing.of_host("evil.example") is None
    assert not addresses.is_ours("evil.example", brand)
    with pytest.raises(BrandForged):
        choosing.origin(own)
    told = StringIO()
    with pytest.raises(SystemExit):
        call_command("grants", "list", stdout=told)
    assert "brand a at evil.example, domains ['alder.example']" in told.getvalue()
    told = StringIO()
    call_command("grants", "drop", "--yes", stdout=told)
    assert Brand.objects.get() == brand


def test_an_old_row_of_a_brand_does_not_count_again(brand: Brand) -> None:
    old = Brand.objects.get()
    brand.forward_domains = []
    brand.save()
    sql("UPDATE branding_brand SET forward_domains = '[\"alder.example\"]', seal = %s", bytes(old.seal))
    assert choosing.of_host(brand.host) is None and grants.standing(Brand.objects.get()) == "ended"


@pytest.mark.parametrize(
    "change",
    [
        lambda brand: brand.save(),
        lambda brand: call_command("brand", "set", "alder", "--domains", "alder.example,own.example"),
    ],
)
def test_nothing_that_somebody_wrote_is_sealed_with_the_next_change(
    brand: Brand, change: Callable[[Brand], object]
) -> None:
    Brand.objects.update(domains=["own.example"])
    loaded = Brand.objects.get()
    loaded.minimum_level = 3
    with pytest.raises((BrandForged, CommandError), match="not as the portal wrote it"):
        change(loaded)
    assert choosing.of_host(brand.host) is None


def test_what_was_changed_is_put_right_or_sealed_by_who_has_looked(brand: Brand) -> None:
    versions.note(brand)
    Brand.objects.update(host="evil.example")
    call_command("brand", "set", "alder", "--host", "secure.alder.example", stdout=StringIO())
    assert choosing.of_host("secure.alder.example") == brand
    Brand.objects.update(host="evil.example")
    versions.roll_back(brand, 1, None, good_host="secure.alder.example")
    assert choosing.of_host("secure.alder.example") == brand
    Brand.objects.update(host="evil.example", domains=[])
    now = Brand.objects.get()
    seen = versions.token(versions.standing(now).document)
    versions.save_draft(now, lambda told: {**told, "host": "secure.alder.example"}, dict, seen, None)
    with pytest.raises(NotPublishable, match="not as the portal wrote it"):
        versions.publish(now, versions.standing(now).seen, None, good_host="secure.alder.example")
    call_command("grants", "seal", "--yes", stdout=StringIO())
    assert choosing.of_host("evil.example") == brand, "an operator has looked"


def test_what_is_saved_in_part_is_sealed_as_it_stands(brand: Brand) -> None:
    brand.host, brand.name = "never.example", "New"
    brand.save(update_fields=["name"])
    assert choosing.of_host("secure.alder.example") == brand
    brand.domains = ["two.example"]
    brand.save(update_fields=["domains"])
    assert choosing.of_domain("two.example").host == "secure.alder.example"


def test_a_draft_is_shown_as_it_would_be(brand: Brand) -> None:
    shown = versions.as_brand(brand, {"host": "new.alder.example"})
    assert "//new.alder.example:" in choosing.origin(shown)


def test_brands_are_known_without_the_root_key_and_known_still_without_the_keyring(
    brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.keys.errors import ProviderUnavailable

    def away(*_: object) -> bytes:
        raise ProviderUnavailable

    assert grants.is_believed(brand)
    monkeypatch.setattr(keys()._keyring, "public", away)
    monkeypatch.setattr("portal.keys.posting.FRESH_SECONDS", -1.0)
    assert choosing.of_host(brand.host) == brand
