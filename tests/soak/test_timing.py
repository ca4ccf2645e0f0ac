"""The timing test of tests/access at its full length: 500 requests each, three tries at most."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from branding.models import Brand
from tests.access import alike
from tests.access.clockwork import LEAST, Kinds, apart
from tests.access.visitors import make_brand

COUNT = 500


@pytest.mark.django_db
@pytest.mark.parametrize(
    "kinds",
    [alike.open_and_withdrawn, alike.unknown_and_deleted, alike.known_and_strange],
    ids=lambda kinds: kinds.__name__,
)
def test_they_cannot_be_told_apart(
    kinds: Callable[[Brand, int], Kinds], record_property: Callable[[str, object], None]
) -> None:
    found = apart(kinds(make_brand("secure.aldervalley.example", is_default=True), COUNT), COUNT)
    record_property("p", found)
    print("p of each try:", found)
    assert found[-1] > LEAST, found
