"""The puncturable tree, pure."""

from __future__ import annotations

import hmac
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.keys.errors import KeyDestroyed, KeyringDamaged
from portal.keys.tree import Tree

TREE = Tree(bytes(6) + bytes(range(32)))
LAST_NUMBER, LAST_READER = (1 << 32) - 1, (1 << 12) - 1
# Neighbours share all but their last steps, so punctures meet and nest in every way.
NUMBERS = st.sampled_from([0, 1, 15, 16, 17, 255, 256, 0x12345678, 0x12345679, 0x1234567F, 0xF0000000, LAST_NUMBER])
READERS = st.sampled_from([0, 1, 15, 16, 255, 256, 4094, LAST_READER])
TARGETS = st.tuples(NUMBERS, st.one_of(st.none(), READERS))


def alive(tree: Tree, number: int, reader: int) -> bool:
    try:
        leaf = tree.leaf(number, reader)
    except KeyDestroyed:
        return False
    assert leaf == TREE.leaf(number, reader)
    return True


def test_a_leaf_is_eleven_steps_below_the_root() -> None:
    node = bytes(range(32))
    for nibble in [0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, 0xA, 0xB, 0xC]:
        node = hmac.digest(node, b"letterlock/v1/node" + bytes([nibble]), "sha256")
    assert TREE.leaf(0x12345678, 0xABC) == node


def test_fresh_trees_differ() -> None:
    assert Tree.fresh().leaf(1, 1) != Tree.fresh().leaf(1, 1)


@pytest.mark.parametrize(("reader", "nodes"), [(5, 165), (None, 120)])
def test_a_puncture_leaves_the_siblings_along_the_way(reader: int | None, nodes: int) -> None:
    assert len(TREE.punctured(0x12345678, reader)) == nodes


def test_the_root_is_gone_after_the_first_puncture() -> None:
    assert bytes(range(32)) not in TREE.punctured(9, 9).encode()


@settings(max_examples=150, deadline=None)
@given(st.lists(TARGETS, max_size=12), st.lists(st.tuples(NUMBERS, READERS), min_size=1, max_size=12))
def test_exactly_what_was_punctured_is_dead_however_it_was_done(
    targets: list[tuple[int, int | None]], asked: list[tuple[int, int]]
) -> None:
    at_once = TREE.punctured_all(targets)
    singly = TREE
    for number, reader in targets:
        singly = singly.punctured(number, reader)
    assert at_once == singly == Tree.decode(at_once.encode())
    for number, reader in [*asked, *((number, reader or 0) for number, reader in targets)]:
        dead = (number, None) in targets or (number, reader) in targets
        assert alive(at_once, number, reader) is not dead


@settings(max_examples=100, deadline=None)
@given(st.lists(TARGETS, max_size=12))
def test_nodes_lie_sorted_and_never_one_above_another(targets: list[tuple[int, int | None]]) -> None:
    records = TREE.punctured_all(targets).encode()[4:]
    spans = []
    for at in range(0, len(records), 38):
        place = int.from_bytes(records[at : at + 6], "big")
        low = place >> 4
        spans.append((low, low + 16 ** (11 - (place & 0xF))))
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(spans))


def test_a_message_dies_whole_also_when_some_of_its_readers_are_dead() -> None:
    tree = TREE.punctured(7, 0).punctured(7, 300).punctured(7, LAST_READER).punctured(7, None)
    assert not any(alive(tree, 7, reader) for reader in (0, 1, 299, 300, 301, LAST_READER))
    assert alive(tree, 6, LAST_READER)
    assert alive(tree, 8, 0)
    assert len(tree) == 120


def test_puncturing_the_dead_changes_nothing() -> None:
    tree = TREE.punctured(7, None)
    assert tree.punctured(7, 3) == tree.punctured(7, None) == tree


def test_a_tree_can_be_emptied() -> None:
    empty = Tree(b"")
    assert empty.punctured(1, 1) == empty == Tree.decode(empty.encode())
    with pytest.raises(KeyDestroyed):
        empty.leaf(0, 0)


@pytest.mark.parametrize(("number", "reader"), [(-1, 0), (1 << 32, 0), (0, -1), (0, 1 << 12)])
def test_numbers_outside_the_tree_are_refused(number: int, reader: int) -> None:
    for use in (TREE.leaf, TREE.punctured):
        with pytest.raises(ValueError, match="32 bits"):
            use(number, reader)


@pytest.mark.parametrize("content", [b"", b"LLT", b"LLT2" + bytes(38), b"LLT1" + bytes(37), b"LLT1" + bytes(39)])
def test_what_is_no_tree_is_refused(content: bytes) -> None:
    with pytest.raises(KeyringDamaged):
        Tree.decode(content)


def test_a_tree_shows_no_key() -> None:
    assert repr(TREE) == "<Tree of 1 nodes>"


@given(
    dead=st.lists(st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(0, 20))), max_size=8),
    kept=st.sets(st.integers(0, 40), max_size=8),
)
def test_a_reduced_tree_holds_what_lived_of_the_kept_messages_and_nothing_else(
    dead: list[tuple[int, int | None]], kept: set[int]
) -> None:
    whole = Tree.fresh().punctured_all(dead)
    reduced = Tree.decode(whole.only(kept).encode())
    for number in range(41):
        for reader in (0, 7, 20, 4095):
            lives = number in kept and (number, None) not in dead and (number, reader) not in dead
            if lives:
                assert reduced.leaf(number, reader) == whole.leaf(number, reader)
            else:
                with pytest.raises(KeyDestroyed):
                    reduced.leaf(number, reader)
    assert reduced.only(kept) == reduced
    assert len(whole.only([])) == 0


def test_a_reduced_tree_can_be_punctured_on() -> None:
    tree = Tree.fresh().only([3, 9]).punctured(3, 1)
    assert tree.leaf(3, 2) and tree.leaf(9, 1)
    with pytest.raises(KeyDestroyed):
        tree.leaf(3, 1)
