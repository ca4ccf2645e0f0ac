"""Groups as rules ask for them: nested, in circles, by domain, in two queries a mail."""

from __future__ import annotations

import pytest
from django.db import connection

from portal.directory import keeping, membership
from portal.directory.keeping import Members
from portal.directory.models import Group, Person
from portal.directory.sealed import Held

pytestmark = pytest.mark.django_db


def person(address: str, active: bool = True, **attributes: str) -> Person:
    made = keeping.new_person(Held(address, attributes), "csv", active=active)
    made.save()
    return made


def group(name: str, *people: Person, groups: tuple[Group, ...] = (), domains: tuple[str, ...] = ()) -> Group:
    made = Group.objects.create(slug=keeping.free_slug(name), name=name, source="csv")
    keeping.set_members(
        made, Members(frozenset(one.pk for one in people), frozenset(one.pk for one in groups), frozenset(domains))
    )
    return made


def test_who_is_in_a_group_within_a_group_is_in_both() -> None:
    nurses = group("Nurses", person("ada@clinic.example"))
    group("All staff", groups=(nurses,))
    found = membership.groups_of({"ada@clinic.example", "ben@clinic.example"})
    assert found == {"ada@clinic.example": {"nurses", "all-staff"}, "ben@clinic.example": frozenset()}
    assert membership.members("all-staff") == {"ada@clinic.example"}


def test_an_address_is_found_however_it_is_spelt_and_everyone_at_a_domain_can_be_a_member() -> None:
    group("Partners", person("ada@clinic.example"), domains=("lab.example",))
    found = membership.groups_of({"Ada@CLINIC.example", "anyone@Lab.Example", "no address"})
    assert [len(found[address]) for address in ("Ada@CLINIC.example", "anyone@Lab.Example", "no address")] == [1, 1, 0]
    assert membership.members("partners") == {"ada@clinic.example", "@lab.example"}


def test_groups_in_a_circle_end() -> None:
    first, second = group("First", person("ada@clinic.example")), group("Second")
    keeping.add(first, Members(groups=frozenset([second.pk, first.pk])))
    keeping.add(second, Members(groups=frozenset([first.pk])))
    assert membership.groups_of(["ada@clinic.example"])["ada@clinic.example"] == {"first", "second"}
    assert membership.members("second") == {"ada@clinic.example"}


def test_nesting_ends_after_ten_levels() -> None:
    inner = group("Level 0", person("ada@clinic.example"))
    for level in range(1, 14):
        inner = group(f"Level {level}", groups=(inner,))
    assert len(membership.groups_of(["ada@clinic.example"])["ada@clinic.example"]) == 1 + membership.DEEPEST


def test_who_has_left_is_in_no_group() -> None:
    group("Nurses", person("ada@clinic.example", active=False))
    assert membership.groups_of(["ada@clinic.example"]) == {"ada@clinic.example": frozenset()}
    assert membership.members("nurses") == frozenset()


def test_a_mail_costs_two_queries_however_many_it_is_to(django_assert_max_num_queries: object) -> None:
    nurses = group("Nurses", *[person(f"p{number}@clinic.example") for number in range(20)])
    group("Staff", groups=(nurses,))
    with django_assert_max_num_queries(2):  # type: ignore[operator]
        found = membership.groups_of([f"p{number}@clinic.example" for number in range(20)])
    assert all(len(slugs) == 2 for slugs in found.values())


def test_attributes_and_managers_are_told_and_stand_in_no_row_in_clear() -> None:
    person("ada@clinic.example", department="Oncology", manager="boss@clinic.example")
    assert membership.attributes_of(["ADA@clinic.example"])["ADA@clinic.example"]["department"] == "Oncology"
    assert membership.attributes_of(["ada@clinic.example"])["ada@clinic.example"]["manager"] == "boss@clinic.example"
    assert not membership.attributes_of(["nobody@clinic.example"]).get("nobody@clinic.example")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM directory_person")
        stored = repr([[bytes(c) if isinstance(c, memoryview) else c for c in row] for row in cursor.fetchall()])
    assert "ada" not in stored
    assert "Oncology" not in stored


def test_a_slug_is_free_and_plain() -> None:
    group("Ärzte & Pflege")
    assert keeping.free_slug("Ärzte & Pflege") == "arzte-pflege-2"
    assert keeping.free_slug("日本") == "group"
