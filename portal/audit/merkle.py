"""The Merkle tree of RFC 9162 section 2.1 over SHA-256: roots, and proofs of inclusion and consistency."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

HASH_BYTES = 32
EMPTY = hashlib.sha256().digest()
"""The root of a tree without leaves."""

Range = Callable[[int, int], bytes]
"""Gives the hash of the subtree over the leaves start to end (exclusive), as `Leaves.range` does."""


def leaf_hash(data: bytes) -> bytes:
    """Of one entry. The leading byte keeps a leaf from being passed off as a node (second preimage)."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Of two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two below `size`, which is at least 2: where RFC 9162 divides a tree."""
    return 1 << (size - 1).bit_length() - 1


@dataclass
class Frontier:
    """The roots of the full subtrees of a growing tree, largest first: all that adding a leaf needs to know."""

    size: int = 0
    roots: list[bytes] = field(default_factory=list)

    @classmethod
    def read(cls, size: int, roots: bytes) -> Frontier:
        """From what `bytes` gave. ValueError when size and roots are not of one tree."""
        if len(roots) != size.bit_count() * HASH_BYTES:
            raise ValueError("The stored frontier does not fit the size of the tree.")
        return cls(size, [roots[at : at + HASH_BYTES] for at in range(0, len(roots), HASH_BYTES)])

    def __bytes__(self) -> bytes:
        return b"".join(self.roots)

    def add(self, leaf: bytes) -> None:
        """Add one leaf's hash."""
        self.roots.append(leaf)
        filled = self.size
        while filled & 1:
            right = self.roots.pop()
            self.roots[-1] = node_hash(self.roots[-1], right)
            filled >>= 1
        self.size += 1

    def root(self) -> bytes:
        """The tree's hash."""
        if not self.roots:
            return EMPTY
        found = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            found = node_hash(left, found)
        return found


def root(leaves: Iterable[bytes]) -> bytes:
    """The hash of the tree with these leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()


def inclusion_proof(index: int, size: int, of_range: Range) -> list[bytes]:
    """What proves that leaf `index` is in the tree of `size` leaves (RFC 9162 section 2.1.3.1).

    ValueError when there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"There is no leaf {index} in a tree of {size}.")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            proof.append(of_range(middle, end))
            end = middle
        else:
            proof.append(of_range(start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(old: int, size: int, of_range: Range) -> list[bytes]:
    """What proves that the tree of `size` leaves begins with the tree of `old` (RFC 9162 section 2.1.4.1).

    ValueError unless 0 < old <= size.
    """
    if not 0 < old <= size:
        raise ValueError(f"A tree of {size} leaves cannot begin with one of {old}.")
    proof: list[bytes] = []
    start, end, whole = 0, size, True
    while start + old != end or not whole:
        if start + old == end:
            proof.append(of_range(start, end))
            break
        middle = split(end - start)
        if old <= middle:
            proof.append(of_range(start + middle, end))
            end = start + middle
        else:
            proof.append(of_range(start, start + middle))
            start, old, whole = start + middle, old - middle, False
    return proof[::-1]


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether `proof` shows that `leaf` is at `index` of the tree with this root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for hash_ in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(hash_, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, hash_)
        place, last = place >> 1, last >> 1
    return last == 0 and found == expected


def consistent(old: int, old_root: bytes, size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the newer tree begins with the older one (RFC 9162 section 2.1.4.2)."""
    if not 0 < old <= size:
        return False
    if old == size:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = path[0]
    for hash_ in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(hash_, first), node_hash(hash_, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, hash_)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
