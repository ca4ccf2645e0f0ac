"""Seals over rows that grant: what fits, what ended, and what the keyring remembers of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.keys.errors import KeyringDamaged
from portal.keys.granting import OBJECT, SEAL_SIZE, Grants, Standing
from portal.keys.installation import Secrets
from portal.keys.keyring import FolderKeyring
from portal.keys.provider import LocalFile
from portal.keys.service import KeyService

CLAIMS = (b"who", b"what")


class Place:
    def __init__(self, folder: Path) -> None:
        self.provider = LocalFile.create(folder / "root.key")
        self.keyring = FolderKeyring(folder / "keyring", self.provider)

    def service(self) -> KeyService:
        return KeyService(self.provider, self.keyring)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_seal_fits_what_was_sealed_and_nothing_else(place: Place) -> None:
    grants = KeyService.initialise(place.provider, place.keyring).grants
    seal = grants.seal("passkey", CLAIMS)
    assert (len(seal), grants.standing("passkey", CLAIMS, seal)) == (SEAL_SIZE, Standing.WHOLE)
    assert grants.seal("passkey", CLAIMS) != seal
    other = bytes((seal[0] ^ 1,)) + seal[1:]
    for kind, claims, shown in (
        ("provider", CLAIMS, seal),
        ("passkey", (b"whow", b"hat"), seal),
        ("passkey", (b"who",), seal),
        ("passkey", CLAIMS, other),
        ("passkey", CLAIMS, seal[:-1]),
        ("passkey", CLAIMS, seal[:16]),
    ):
        assert grants.standing(kind, claims, shown) is Standing.CHANGED
    assert grants.standing("passkey", CLAIMS, b"") is Standing.UNSEALED


def test_what_ended_stays_ended_for_every_service_and_after_a_restart(place: Place) -> None:
    one = KeyService.initialise(place.provider, place.keyring)
    old, new = (one.grants.seal("role", CLAIMS) for _ in range(2))
    other = place.service()
    assert other.grants.standing("role", CLAIMS, old) is Standing.WHOLE
    one.grants.end([old])
    one.grants.end([old, b""])
    for service in (one, place.service()):
        assert service.grants.standing("role", CLAIMS, old) is Standing.ENDED
        assert service.grants.standing("role", CLAIMS, new) is Standing.WHOLE


def test_what_counts_once_is_used_up_on_every_host(place: Place) -> None:
    one, two = KeyService.initialise(place.provider, place.keyring), place.service()
    assert not two.grants.done()
    assert one.grants.spend(b"a" * 32) and one.grants.spend(b"b" * 32)
    assert not one.grants.spend(b"a" * 32) and not two.grants.spend(b"b" * 32)


def test_two_who_end_at_once_lose_nothing(place: Place) -> None:
    one, two = KeyService.initialise(place.provider, place.keyring), place.service()
    first, second = (one.grants.seal("role", CLAIMS) for _ in range(2))
    one.grants.end([first])
    two.grants.end([second])  # it had read the object before, or never: it writes on what is there now
    found = place.service().grants
    assert {found.standing("role", CLAIMS, seal) for seal in (first, second)} == {Standing.ENDED}


def test_a_new_keyring_has_the_secret_and_one_of_before_gets_it_once(place: Place) -> None:
    place.keyring.initialise(Secrets.fresh().encode())
    service = place.service()
    assert service.grants.standing("role", CLAIMS, bytes(SEAL_SIZE)) is Standing.UNSEALED
    assert not service.grants.done()
    service.grants.begin()
    seal = service.grants.seal("role", CLAIMS)
    place.service().grants.begin()
    assert place.service().grants.standing("role", CLAIMS, seal) is Standing.WHOLE
    service.grants.note_done(["role"])
    assert place.service().grants.done() == {"role"}


def test_other_work_on_the_keyring_leaves_it_alone(place: Place) -> None:
    service = KeyService.initialise(place.provider, place.keyring)
    seal = service.grants.seal("role", CLAIMS)
    service.prepare(date(2026, 11, 26), {30})
    service.forget_door_keys(date(2027, 11, 26), set())
    assert OBJECT in place.keyring.names() and place.service().grants.standing("role", CLAIMS, seal) is Standing.WHOLE


@given(
    st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=2),
    st.frozensets(st.text("abc", min_size=1, max_size=20), max_size=9),
    st.frozensets(st.binary(min_size=16, max_size=16), max_size=9),
)
def test_the_object_reads_as_it_was_written_and_no_other_way(
    secrets: list[bytes], kinds: frozenset[str], ended: frozenset[bytes]
) -> None:
    made = Grants(tuple(secrets), kinds, ended)
    content = made.encode()
    assert Grants.decode(content) == made
    assert all(secret.hex() not in repr(made) and repr(secret) not in repr(made) for secret in secrets)
    for damaged in (content[:-1], content + b"x", b"LLG2" + content[4:], b"", content[:4]):
        with pytest.raises(KeyringDamaged):
            Grants.decode(damaged)
