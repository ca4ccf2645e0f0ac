"""Many at once at the office: real connections, real locks."""

from __future__ import annotations

from collections import Counter

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from branding.models import Brand
from portal.access import administrators, budgets, passwords
from portal.access.models import Authenticator, Failed, Person
from portal.access.office_errors import NotLetIn
from tests.access.offices import ADA, PASSWORD
from tests.access.test_races import MANY, at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_owners_who_demote_each_other_one_stays(brand: Brand) -> None:
    owners = [administrators.owner(f"{name}@aldervalley.example") for name in ("ada", "ebba")]

    def demote(number: int) -> str:
        administrators.change(owners[number % 2], Person.Role.SUPPORT, by=None)
        return "done"

    outcomes = at_once(demote)
    assert outcomes["LastOwner"] >= 1
    assert Person.objects.filter(role=Person.Role.OWNER).count() == 1


def test_an_address_that_twenty_add_at_once_is_added_once(brand: Brand) -> None:
    outcomes = at_once(lambda _: str(administrators.add(ADA, Person.Role.SUPPORT, by=None).role))
    assert outcomes == {"support": 1, "AlreadyAdministrator": MANY - 1}


def test_of_twenty_parallel_passwords_ten_are_counted_and_compared(brand: Brand, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["tests.access.offices.QuickHasher"]
    passwords._nobodys.cache_clear()
    owner = administrators.owner(ADA)
    passwords.set_first(owner, PASSWORD)
    Authenticator.objects.create(person=owner, secret=b"x", made_at=timezone.now(), confirmed_at=timezone.now())
    assert passwords.check(ADA, PASSWORD, "10.1.0.0/24", "") == owner

    def guess(number: int) -> str:
        passwords.check(ADA, f"wrong {number}", f"10.0.{number}.0/24", "")
        return "in"

    assert at_once(guess) == {"NotLetIn": MANY}
    counted = Counter(bytes(lookup) for lookup in Failed.objects.values_list("address_lookup", flat=True))
    assert max(counted.values()) == budgets.FAILURES_AT_A_MESSAGE.count, "the address's; each network has one"
    with pytest.raises(NotLetIn):
        passwords.check(ADA, PASSWORD, "10.1.0.0/24", "")
