"""The tree of RFC 9162, held against its definition and against the published roots of its well-known test tree."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.audit import merkle

INPUTS = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Of the trees over the first 1 to 8 of these inputs: facts that all implementations of the RFC are tested with."""
sizes = st.integers(1, 150)


def leaves(number: int) -> list[bytes]:
    return [merkle.leaf_hash(str(index).encode()) for index in range(number)]


def defined(hashes: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = max(1 << bit for bit in range(len(hashes).bit_length()) if 1 << bit < len(hashes))
    return hashlib.sha256(b"\x01" + defined(hashes[:k]) + defined(hashes[k:])).digest()


def test_roots_are_those_of_the_well_known_tree() -> None:
    hashes = [merkle.leaf_hash(bytes.fromhex(text)) for text in INPUTS]
    assert [merkle.root(hashes[:size]).hex() for size in range(1, 9)] == ROOTS
    assert merkle.root([]) == merkle.EMPTY == defined([])


@given(sizes, st.integers(0, 150))
def test_a_frontier_that_was_stored_goes_on_as_if_it_never_was(size: int, more: int) -> None:
    hashes = leaves(size + more)
    frontier = merkle.Frontier()
    for leaf in hashes[:size]:
        frontier.add(leaf)
    again = merkle.Frontier.read(frontier.size, bytes(frontier))
    for leaf in hashes[size:]:
        again.add(leaf)
    assert again.root() == defined(hashes)


@given(st.data())
def test_a_leaf_is_proved_and_nothing_else_in_its_place(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    hashes = leaves(size)
    proof = merkle.inclusion_proof(index, size, lambda start, end: defined(hashes[start:end]))
    top = defined(hashes)
    assert merkle.included(hashes[index], index, size, proof, top)
    assert not merkle.included(merkle.leaf_hash(b"another"), index, size, proof, top)
    assert not merkle.included(hashes[index], index, size, [*proof, bytes(32)], top)
    if size > 1:
        wrong = data.draw(st.integers(0, size - 1).filter(lambda other: other != index))
        assert not merkle.included(hashes[index], wrong, size, proof, top)
        assert not merkle.included(hashes[index], index, size, proof[:-1], top)


@given(st.data())
def test_a_later_tree_is_proved_to_begin_with_the_earlier_one(data: st.DataObject) -> None:
    size = data.draw(sizes)
    old = data.draw(st.integers(1, size))
    hashes = leaves(size)
    proof = merkle.consistency_proof(old, size, lambda start, end: defined(hashes[start:end]))
    before, now = defined(hashes[:old]), defined(hashes)
    assert merkle.consistent(old, before, size, now, proof)
    changed = [merkle.leaf_hash(b"changed"), *hashes[1:]]
    assert not merkle.consistent(old, before, size, defined(changed), proof)
    assert not merkle.consistent(old, defined(changed[:old]), size, now, proof)
    forged = merkle.consistency_proof(old, size, lambda start, end: defined(changed[start:end]))
    assert not merkle.consistent(old, before, size, defined(changed), forged)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="There is no leaf"):
        merkle.inclusion_proof(index, size, lambda *_: b"")
    assert not merkle.included(b"", index, size, [], merkle.EMPTY)


def test_a_frontier_of_another_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        merkle.Frontier.read(3, bytes(32))
