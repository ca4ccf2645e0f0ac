"""Does the database still hold what was signed: every entry, every leaf, every head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from portal.audit import guarding, heads, merkle
from portal.audit.errors import HeadRefused
from portal.audit.models import Block, Entry, Head, Leaf
from portal.audit.sequencing import BLOCK, data_of

SHOWN = 20
_STEP = 2000


@dataclass
class Findings:
    """What a look at everything brought up. All is well when there is no fault."""

    entries: int = 0
    heads: int = 0
    waiting: int = 0
    """Entries that are no leaves yet; the sequencer takes seconds."""
    erased: int = 0
    """Entries whose reader and facts were erased; what is left of them is proved like any other."""
    faults: list[str] = field(default_factory=list)

    def fault(self, sentence: str) -> None:
        if len(self.faults) < SHOWN:
            self.faults.append(sentence)


def verify(public: bytes, kept: str = "") -> Findings:
    """Make the tree again from the entries and hold it against the leaves and all signed heads.

    `kept` is a head that someone has kept elsewhere: it too must be of this tree. HeadRefused when it is none.
    """
    from django.db import connection

    found = Findings()
    for name in guarding.missing(connection):
        found.fault(f"The database's guard {name} is gone: entries could have been changed since.")
    notes = {head.size: (head.note, f"head of {head.size} entries") for head in Head.objects.order_by("size")}
    wanted = {size: [note] for size, note in notes.items()}
    if kept:
        wanted.setdefault(heads.read(kept, public).size, []).append((kept, "head that was kept elsewhere"))
    frontier, block = merkle.Frontier(), list[bytes]()
    for leaf, entry in _pairs():
        _look_at(leaf, entry, frontier.size, found)
        frontier.add(bytes(leaf.hash))
        block.append(bytes(leaf.hash))
        if len(block) == BLOCK:
            _look_at_block(frontier.size // BLOCK - 1, block, found)
            block = []
        for note, name in wanted.pop(frontier.size, ()):
            _look_at_head(note, name, public, frontier, found)
    found.entries = frontier.size
    found.waiting = max(0, Entry.objects.count() - frontier.size)
    for others in wanted.values():
        for _, name in others:
            found.fault(f"The {name} speaks of more entries than there are ({frontier.size}): entries were taken out.")
    return found


def _pairs() -> Iterator[tuple[Leaf, Entry | None]]:
    """Every leaf with its entry, in the tree's order."""
    start = 0
    while leaves := list(Leaf.objects.filter(index__gte=start).order_by("index")[:_STEP]):
        entries = Entry.objects.in_bulk([leaf.entry for leaf in leaves])
        for leaf in leaves:
            yield leaf, entries.get(leaf.entry)
        start = leaves[-1].index + 1


def _look_at(leaf: Leaf, entry: Entry | None, place: int, found: Findings) -> None:
    if leaf.index != place:
        found.fault(f"Leaf {place} is missing: the next one is {leaf.index}.")
    if entry is None:
        found.fault(f"Entry {leaf.entry} is missing.")
        return
    found.erased += entry.sealed is not None
    # The leaf of an erased entry holds what its row says by itself: what stands beside that was never signed.
    if entry.sealed is not None and (entry.reader is not None or entry.facts or entry.salt is not None):
        found.fault(f"Entry {leaf.entry} is marked as erased and says something all the same.")
    if merkle.leaf_hash(data_of(entry)) != bytes(leaf.hash):
        found.fault(f"Entry {leaf.entry} is not as it was recorded.")


def _look_at_block(index: int, block: list[bytes], found: Findings) -> None:
    stored = Block.objects.filter(index=index).values_list("hash", flat=True).first()
    if stored is None or bytes(stored) != merkle.root(block):
        found.fault(f"Block {index} does not fit its leaves.")


def _look_at_head(note: str, name: str, public: bytes, frontier: merkle.Frontier, found: Findings) -> None:
    try:
        head = heads.read(note, public)
    except HeadRefused as error:
        found.fault(f"The {name}: {error}")
        return
    found.heads += 1
    if (head.size, head.root) != (frontier.size, frontier.root()):
        found.fault(f"The {name} was signed over other entries than these.")
