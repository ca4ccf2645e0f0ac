"""Many files posted at once: each sees the room that the others take."""

from __future__ import annotations

import os

import pytest

from portal.vault import parking
from portal.vault.errors import NoRoom
from portal.vault.models import Parked, Reader
from tests.access.test_races import MANY, at_once
from tests.access.visitors import make_brand, make_reader

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader() -> Reader:
    return make_reader(make_brand("secure.aldervalley.example", is_default=True), "jonas.berg@mail.example")


@pytest.mark.parametrize("bound", ["count", "bytes of a network", "bytes in all"])
def test_twenty_at_once_stay_within_the_bounds(reader: Reader, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = os.urandom(1000)
    parcel = b"LLA1" + reader.message_id.bytes + b"\0\1\3toc" + len(sealed).to_bytes(8, "big") + sealed
    limits = {
        "count": ("MOST_OF_A_NETWORK", 5),
        "bytes of a network": ("BYTES_OF_A_NETWORK", 5 * len(parcel)),
        "bytes in all": ("BYTES_IN_ALL", 5 * len(parcel)),
    }
    monkeypatch.setattr(parking, *limits[bound])

    def park(number: int) -> str:
        network = f"192.0.{number}.0/24" if bound == "bytes in all" else "192.0.2.0/24"
        try:
            parking.park(reader, network, len(parcel), [parcel])
        except NoRoom:
            return "no room"
        return "parked"

    assert at_once(park) == {"parked": 5, "no room": MANY - 5}
    assert Parked.objects.exclude(handle_lookup=None).count() == Parked.objects.count() == 5
