"""Wraps, door keys and sealed fields: each opens in its one place only."""

from __future__ import annotations

import os
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.keys.binding import bound
from portal.keys.door import DoorPrivate, DoorPublic, seal_key
from portal.keys.epochs import epoch_name
from portal.keys.errors import KeyringDamaged, NoSuchKey, WrapRefused
from portal.keys.installation import NAMES, Secrets
from portal.keys.tree import Tree
from portal.keys.wraps import WRAP_SIZE, unwrap, wrap

TREE = Tree.fresh()
LEAF = TREE.leaf(5, 1)
MESSAGE_KEY = bytes(range(32))
EPOCH = "2026-12-17.0"
MESSAGE, READER, RIGHTS = uuid4(), uuid4(), bytes(32)
WRAPPED = wrap(LEAF, MESSAGE_KEY, EPOCH, MESSAGE, READER, RIGHTS)


def test_fields_are_bound_with_their_lengths() -> None:
    assert bound("label", b"ab", b"", b"c") == b"label\0\2ab\0\0\0\1c"
    with pytest.raises(ValueError, match="65,535"):
        bound("label", bytes(65_536))


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_no_two_lists_of_fields_read_the_same(one: list[bytes], two: list[bytes]) -> None:
    assert (bound("label", *one) == bound("label", *two)) is (one == two)


def test_a_wrap_opens_for_its_reader() -> None:
    assert len(WRAPPED) == WRAP_SIZE == 60
    assert unwrap(LEAF, WRAPPED, EPOCH, MESSAGE, READER, RIGHTS) == MESSAGE_KEY
    assert wrap(LEAF, MESSAGE_KEY, EPOCH, MESSAGE, READER, RIGHTS) != WRAPPED


@pytest.mark.parametrize(
    ("leaf", "epoch", "message", "reader", "rights"),
    [
        (TREE.leaf(5, 2), EPOCH, MESSAGE, READER, RIGHTS),
        (LEAF, "2026-12-17.1", MESSAGE, READER, RIGHTS),
        (LEAF, EPOCH, uuid4(), READER, RIGHTS),
        (LEAF, EPOCH, MESSAGE, uuid4(), RIGHTS),
        (LEAF, EPOCH, MESSAGE, READER, b"\1" + bytes(31)),
        (LEAF, EPOCH, READER, MESSAGE, RIGHTS),
    ],
    ids=["leaf", "epoch", "message", "reader", "rights", "swapped"],
)
def test_it_refuses_a_wrap_moved_to_anything_else(
    leaf: bytes, epoch: str, message: UUID, reader: UUID, rights: bytes
) -> None:
    with pytest.raises(WrapRefused):
        unwrap(leaf, WRAPPED, epoch, message, reader, rights)


@pytest.mark.parametrize("at", range(60))
def test_every_byte_of_a_wrap_counts(at: int) -> None:
    changed = bytearray(WRAPPED)
    changed[at] ^= 0x10
    with pytest.raises(WrapRefused):
        unwrap(LEAF, bytes(changed), EPOCH, MESSAGE, READER, RIGHTS)


@pytest.mark.parametrize("wrapped", [b"", WRAPPED[:-1], WRAPPED + b"\0"])
def test_a_wrap_of_another_length_is_refused(wrapped: bytes) -> None:
    with pytest.raises(WrapRefused):
        unwrap(LEAF, wrapped, EPOCH, MESSAGE, READER, RIGHTS)


def test_only_keys_of_32_bytes_are_wrapped() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        wrap(LEAF, b"short", EPOCH, MESSAGE, READER, RIGHTS)


def test_epochs_are_named_by_their_day() -> None:
    from datetime import date

    assert epoch_name(date(2026, 12, 17)) == "2026-12-17.0"
    assert epoch_name(None) == "forever.0"


# Door keys

DOOR = DoorPrivate.generate()
DOOR_PUBLIC = DoorPublic("2026-11-24", DOOR.public())
SPOOL = uuid4()
SEALED = seal_key(DOOR_PUBLIC, MESSAGE_KEY, SPOOL)


def test_a_door_key_opens_what_its_public_half_sealed() -> None:
    assert len(DOOR_PUBLIC.public) == 1216
    assert len(SEALED) == 1168
    assert DOOR.open_key("2026-11-24", SEALED, SPOOL) == MESSAGE_KEY
    assert DoorPrivate.decode(DOOR.encode()).open_key("2026-11-24", SEALED, SPOOL) == MESSAGE_KEY


def test_it_refuses_a_sealed_key_moved_to_another_spool_entry_or_day_or_door() -> None:
    for door, key_id, spool in [
        (DOOR, "2026-11-24", uuid4()),
        (DOOR, "2026-11-25", SPOOL),
        (DoorPrivate.generate(), "2026-11-24", SPOOL),
    ]:
        with pytest.raises(WrapRefused):
            door.open_key(key_id, SEALED, spool)


@pytest.mark.parametrize("at", [0, 600, 1087, 1088, 1119, 1120, 1151, 1152, 1167])
def test_a_changed_sealed_key_is_refused(at: int) -> None:
    changed = bytearray(SEALED)
    changed[at] ^= 0x01
    with pytest.raises(WrapRefused):
        DOOR.open_key("2026-11-24", bytes(changed), SPOOL)


@pytest.mark.parametrize("sealed", [b"", SEALED[:-1], SEALED + b"\0", bytes(1168)])
def test_what_is_no_sealed_key_is_refused(sealed: bytes) -> None:
    with pytest.raises(WrapRefused):
        DOOR.open_key("2026-11-24", sealed, SPOOL)


@pytest.mark.parametrize("public", [b"", bytes(1215), b"\xff" * 1216])
def test_nothing_is_sealed_to_a_damaged_public_key(public: bytes) -> None:
    with pytest.raises(KeyringDamaged):
        seal_key(DoorPublic("2026-11-24", public), MESSAGE_KEY, SPOOL)


def test_a_damaged_private_half_is_named_so() -> None:
    with pytest.raises(KeyringDamaged):
        DoorPrivate.decode(DOOR.encode()[:-1])


# The installation's secrets

SECRETS = Secrets.fresh()
ROW = uuid4()


def test_the_secrets_come_back_from_their_object() -> None:
    again = Secrets.decode(SECRETS.encode())
    assert len({again.current(name) for name in NAMES}) == len(NAMES)
    assert all(again.versions(name) == SECRETS.versions(name) for name in NAMES)
    with pytest.raises(NoSuchKey):
        again.current("another")


@pytest.mark.parametrize("cut", range(0, 260, 7))
def test_a_cut_secrets_object_is_named_so(cut: int) -> None:
    whole = SECRETS.encode()
    complete = [len(Secrets({name: SECRETS.versions(name) for name in NAMES[:n]}).encode()) for n in range(len(NAMES))]
    if cut < len(whole) and cut not in complete:
        with pytest.raises(KeyringDamaged):
            Secrets.decode(whole[:cut])


@pytest.mark.parametrize("content", [b"LLI2", b"LLI1\1a\0", b"LLI1\1a\3" + bytes(96), b"LLI1\1\xff\1" + bytes(32)])
def test_an_odd_secrets_object_is_named_so(content: bytes) -> None:
    with pytest.raises(KeyringDamaged):
        Secrets.decode(content)


@given(st.binary(max_size=200))
def test_a_field_opens_in_its_row_and_column(text: bytes) -> None:
    sealed = SECRETS.seal_field("reader", ROW, text)
    assert SECRETS.open_field("reader", ROW, sealed) == text
    assert (len(sealed) - 28) % 32 == 0


def test_a_field_moved_or_changed_is_refused() -> None:
    sealed = SECRETS.seal_field("reader", ROW, b"jonas.berg@mail.example")
    for label, row, secrets in [
        ("sender", ROW, SECRETS),
        ("reader", uuid4(), SECRETS),
        ("reader", ROW, Secrets.fresh()),
    ]:
        with pytest.raises(WrapRefused):
            secrets.open_field(label, row, sealed)
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 0x01
        with pytest.raises(WrapRefused):
            SECRETS.open_field("reader", ROW, bytes(changed))
    for short in (b"", sealed[:20], sealed[:-1]):
        with pytest.raises(WrapRefused):
            SECRETS.open_field("reader", ROW, short)


def test_a_field_sealed_before_a_rotation_opens_during_it_and_new_ones_use_the_new_secret() -> None:
    old, new = os.urandom(32), os.urandom(32)
    before, during, after = (Secrets({"directory": versions}) for versions in [(old,), (new, old), (new,)])
    sealed = before.seal_field("reader", ROW, b"text")
    assert during.open_field("reader", ROW, sealed) == b"text"
    assert after.open_field("reader", ROW, during.seal_field("reader", ROW, b"text")) == b"text"
    with pytest.raises(WrapRefused):
        after.open_field("reader", ROW, sealed)


def test_lookups_meet_only_for_the_same_value_under_the_same_label() -> None:
    found = SECRETS.lookup("address", "jonas.berg@mail.example")
    assert found == SECRETS.lookup("address", "jonas.berg@mail.example")
    assert len(found) == 32
    assert found != SECRETS.lookup("domain", "jonas.berg@mail.example")
    assert found != Secrets.fresh().lookup("address", "jonas.berg@mail.example")


def test_nothing_with_keys_shows_them() -> None:
    for thing in (SECRETS, DOOR, TREE):
        shown = repr(thing)
        assert len(shown) < 120
        assert "\\x" not in shown
