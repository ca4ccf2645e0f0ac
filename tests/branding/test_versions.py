"""Versions of a brand: a draft, what is live, what was, and two people at once."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from branding import versions
from branding.models import Brand, BrandVersion
from branding.refusals import DraftIsOld, NotPublishable, NoVersion, SavedMeanwhile
from branding.versions import Document
from portal.access import administrators
from portal.access.roles import Role
from portal.audit.models import Entry
from tests.grants import change

pytestmark = pytest.mark.django_db
EBBA = uuid4()


@pytest.fixture
def brand() -> Brand:
    Brand.objects.all().delete()
    return Brand.objects.create(
        slug="alder", name="Alder Valley Clinic", host="localhost", postal_address="Alder Street 4", is_default=True
    )


def whole(document: Document) -> object:
    return document


def to(**values: object) -> Callable[[Document], Document]:
    return lambda document: {**document, **values}


def save(brand: Brand, **values: object) -> None:
    now = versions.standing(brand)
    versions.save_draft(brand, to(**values), whole, versions.token(now.document), EBBA)


def publish(brand: Brand, good_host: str = "") -> None:
    versions.publish(brand, versions.standing(brand).seen, EBBA, good_host=good_host)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"host": "evil.example"}, "evil.example"),
        ({"domains": ["alder.example", "evil.example"], "from_address": "messages@evil.example"}, "evil.example"),
        ({"domains": ["notalder.example"], "bounce_address": "bounce@notalder.example"}, "notalder.example"),
    ],
)
def test_who_is_no_owner_leads_readers_and_bounces_to_no_name_that_nobody_knows(
    brand: Brand, values: dict[str, object], named: str
) -> None:
    change(Brand.objects.all(), domains=["alder.example"])
    brand.refresh_from_db()
    save(brand, **values)
    somebody = administrators.add("bo@alder.example", Role.BRANDS, by=None).pk
    with pytest.raises(NotPublishable, match=f"{named} is not known as yours: only an owner"):
        versions.publish(brand, versions.standing(brand).seen, somebody, good_host=named)
    assert versions.standing(brand).draft is not None
    owner = administrators.owner("ebba@alder.example").pk
    assert versions.publish(brand, versions.standing(brand).seen, owner, good_host=named)


def test_a_name_below_one_that_is_known_needs_no_owner(brand: Brand) -> None:
    change(Brand.objects.all(), domains=["alder.example"])
    brand.refresh_from_db()
    save(brand, host="secure.alder.example", from_address="messages@alder.example")
    somebody = administrators.add("bo@alder.example", Role.BRANDS, by=None).pk
    assert versions.publish(brand, versions.standing(brand).seen, somebody, good_host="secure.alder.example")


def test_looking_at_a_brand_writes_nothing(brand: Brand) -> None:
    assert versions.standing(brand).live.number == 1
    assert not BrandVersion.objects.exists()


def test_a_draft_changes_nothing_that_recipients_see_until_it_is_published(brand: Brand) -> None:
    save(brand, colour="#8a2f52")
    brand.refresh_from_db()
    assert brand.colour == "#14594f"
    assert versions.standing(brand).changed == [("colour",)]
    publish(brand)
    brand.refresh_from_db()
    assert brand.colour == "#8a2f52"
    entry = Entry.objects.get(kind="brand.published")
    assert entry.facts == {"brand": "alder", "number": 2, "fields": "colour", "by": str(EBBA)}
    assert versions.standing(brand).draft is None


def test_an_old_version_is_published_anew_under_a_new_number(brand: Brand) -> None:
    save(brand, colour="#8a2f52")
    publish(brand)
    versions.roll_back(brand, 1, EBBA)
    brand.refresh_from_db()
    assert brand.colour == "#14594f"
    assert [(one.number, one.state) for one in versions.history(brand)] == [(3, "live"), (2, "old"), (1, "old")]
    with pytest.raises(NoVersion):
        versions.roll_back(brand, 9, EBBA)


def test_who_saves_over_what_they_have_not_seen_is_refused(brand: Brand) -> None:
    read = versions.token(versions.standing(brand).document)
    save(brand, name="Alder Clinic")
    with pytest.raises(SavedMeanwhile):
        versions.save_draft(brand, to(name="Alder"), whole, read, EBBA)
    assert versions.standing(brand).document["name"] == "Alder Clinic"


def test_two_people_in_different_parts_do_not_stand_in_each_others_way(brand: Brand) -> None:
    read = versions.token(brand.phone)
    save(brand, name="Alder Clinic")
    versions.save_draft(brand, to(phone="112"), lambda document: document["phone"], read, EBBA)
    assert set(versions.standing(brand).changed) == {("name",), ("phone",)}


def test_nobody_publishes_or_throws_away_what_they_have_not_seen(brand: Brand) -> None:
    save(brand, name="Alder Clinic")
    seen = versions.standing(brand).seen
    save(brand, name="Somebody else’s")
    with pytest.raises(SavedMeanwhile):
        versions.publish(brand, seen, EBBA)
    with pytest.raises(SavedMeanwhile):
        versions.discard(brand, seen, EBBA)
    versions.discard(brand, versions.standing(brand).seen, EBBA)
    assert versions.standing(brand).draft is None
    assert versions.standing(brand).document["name"] == "Alder Valley Clinic"


def test_a_draft_from_before_another_publish_is_brought_up_to_date_first(brand: Brand) -> None:
    save(brand, colour="#8a2f52", name="Mine")
    Brand.objects.filter(pk=brand.pk).update(name="Theirs", phone="112")  # as the command line does
    brand.refresh_from_db()
    now = versions.standing(brand)
    assert set(now.missed) == {("name",), ("phone",)}
    with pytest.raises(DraftIsOld):
        publish(brand)
    versions.catch_up(brand, EBBA)
    publish(brand)
    brand.refresh_from_db()
    assert (brand.colour, brand.name, brand.phone) == ("#8a2f52", "Mine", "112")
    assert [one.document["name"] for one in versions.history(brand)] == ["Mine", "Theirs", "Alder Valley Clinic"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"postal_address": ""}, "no postal address"),
        ({"host": "new.example.org"}, "until new.example.org has a certificate"),
        ({"host": "harbour.localhost"}, "harbour.localhost is another brand’s host"),
        ({"domains": ["harbour.example"]}, "harbour.example is a mail domain of Harbour Legal"),
    ],
)
def test_what_must_not_be_live_is_refused_and_stays_a_draft(brand: Brand, values: Document, said: str) -> None:
    Brand.objects.create(slug="harbour", name="Harbour Legal", host="harbour.localhost", domains=["harbour.example"])
    save(brand, **values)
    with pytest.raises(NotPublishable, match=said):
        publish(brand)
    assert versions.standing(brand).draft is not None
    brand.refresh_from_db()
    assert (brand.host, brand.domains, brand.postal_address) == ("localhost", [], "Alder Street 4")


def test_a_new_host_answers_with_the_publish_and_not_before(brand: Brand) -> None:
    save(brand, host="new.example.org")
    assert not Brand.objects.filter(host="new.example.org").exists()
    versions.publish(brand, versions.standing(brand).seen, None, good_host="new.example.org")
    assert Brand.objects.get(host="new.example.org") == brand


def test_words_are_compared_and_joined_one_by_one() -> None:
    old = {"words": {"de": {"introduction": "Hallo", "read_button": "Lesen"}}}
    new = {"words": {"de": {"introduction": "Guten Tag"}, "sv": {"read_button": "Läs"}}}
    assert set(versions.changes(old, new)) == {
        ("words", "de", "introduction"),
        ("words", "de", "read_button"),
        ("words", "sv", "read_button"),
    }


def test_a_brand_that_is_looked_at_as_a_draft_is_another_one(brand: Brand) -> None:
    shown = versions.as_brand(brand, {**versions.document_of(brand), "rights": {"print": False}})
    shown.rights["forward"] = True
    assert brand.rights == {}
    assert shown.pk == brand.pk
