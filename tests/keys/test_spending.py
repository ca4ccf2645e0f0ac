"""What counts once: on every host, and in the keyring no longer than it could count."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.keys.errors import KeyringDamaged
from portal.keys.service import KeyService
from portal.keys.spending import GRACE_SECONDS, OBJECT, decode, encode
from tests.keys.test_granting import Place, place

__all__ = ["place"]
NOW, UNTIL = 1_800_000_000, 1_800_000_060


def test_it_is_used_up_on_every_host(place: Place) -> None:
    one, two = KeyService.initialise(place.provider, place.keyring).used, place.service().used
    first, second = os.urandom(32), os.urandom(32)
    assert one.spend(first, UNTIL, NOW) and two.spend(second, UNTIL, NOW)
    assert not two.spend(first, UNTIL, NOW) and not one.spend(second, UNTIL, NOW)


def test_of_many_at_once_one_uses_it_and_none_forgets_another(place: Place) -> None:
    KeyService.initialise(place.provider, place.keyring)
    same, marks = os.urandom(32), [os.urandom(32) for _ in range(8)]

    def use(own: bytes) -> tuple[bool, bool]:
        used = place.service().used
        return used.spend(same, UNTIL, NOW), used.spend(own, UNTIL, NOW)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(use, marks))
    assert sorted(found) == [*[(False, True)] * 7, (True, True)]
    assert decode(place.keyring.read(OBJECT)[1]).keys() == {digest[:16] for digest in (same, *marks)}


def test_what_could_not_count_any_more_is_forgotten(place: Place) -> None:
    used = KeyService.initialise(place.provider, place.keyring).used
    old, new = os.urandom(32), os.urandom(32)
    used.spend(old, UNTIL, NOW)
    last = UNTIL + GRACE_SECONDS
    used.spend(new, last + 60, last - 1)
    assert not used.spend(old, UNTIL, last - 1), "a host whose clock is behind takes it no second time"
    used.spend(os.urandom(32), last + 60, last)
    assert set(decode(place.keyring.read(OBJECT)[1])).isdisjoint({old[:16]})


@given(st.dictionaries(st.binary(min_size=16, max_size=16), st.integers(0, 2**40 - 1), max_size=9))
def test_the_object_reads_as_it_was_written_and_no_other_way(held: dict[bytes, int]) -> None:
    assert decode(encode(held)) == held
    for wrong in (encode(held)[:-1], encode(held) + b"\0", b"LLU2" + encode(held)[4:], b""):
        with pytest.raises(KeyringDamaged):
            decode(wrong)
