"""Proofs from the stored tree: that an entry is in it, and that a later tree begins with an earlier one."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.audit import merkle
from portal.audit.models import Block, Leaf
from portal.audit.sequencing import BLOCK


@dataclass
class Stored:
    """Reads the hashes of ranges, each at most once; ranges that begin at a block are made of blocks."""

    known: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def range(self, start: int, end: int) -> bytes:
        """The hash over the leaves start to end (exclusive)."""
        if (start, end) not in self.known:
            self.known[start, end] = self._find(start, end)
        return self.known[start, end]

    def _find(self, start: int, end: int) -> bytes:
        if end - start == BLOCK and start % BLOCK == 0:
            block = Block.objects.filter(index=start // BLOCK).values_list("hash", flat=True).first()
            if block is not None:
                return bytes(block)
        if end - start <= BLOCK:
            found = Leaf.objects.filter(index__gte=start, index__lt=end).order_by("index")
            return merkle.root(bytes(hash_) for hash_ in found.values_list("hash", flat=True))
        middle = start + merkle.split(end - start)
        return merkle.node_hash(self.range(start, middle), self.range(middle, end))


def inclusion(index: int, size: int) -> list[bytes]:
    """What proves leaf `index` to who holds the head of `size`."""
    return merkle.inclusion_proof(index, size, Stored().range)


def consistency(old: int, size: int) -> list[bytes]:
    """What proves to who holds the head of `old` that the tree of `size` begins with the same entries."""
    return merkle.consistency_proof(old, size, Stored().range)
