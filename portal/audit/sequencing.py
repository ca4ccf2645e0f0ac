"""The sequencer: entries that are committed become leaves, in batches, and each batch ends with a signed head.

Who records inserts a row and waits for nobody. The sequencer follows every two seconds; only it takes the tree's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from portal.audit import heads, leaves, merkle
from portal.audit.models import Block, Entry, Head, Leaf, Tree

BATCH = 2000
"""Entries a transaction: some 60 ms, which is what a passcode may have to wait behind it."""
BLOCK = 1024
"""Leaves a `Block`; a power of two, so that each is a subtree of RFC 9162."""
LATE = timedelta(minutes=2)
"""No transaction of ours is open for so long: ids are given before the commit, so a lower one may appear later."""
SEARCH = timedelta(hours=1)
"""If one was all the same, its entry is found by a look at everything, so often."""
KEPT_EACH = timedelta(hours=1)
"""Older heads are kept one an hour: any two that someone kept elsewhere can still be compared by the tree itself."""


def sequence(now: datetime, origin: str, signer: heads.Signer, batch: int = BATCH) -> int:
    """Add up to `batch` waiting entries to the tree and sign its new head. Returns how many were added."""
    if not _something_to_do(now):
        return 0  # without the write lock, which SQLite has only one of
    with transaction.atomic():
        Tree.objects.get_or_create(pk=1)
        tree = Tree.objects.select_for_update().get(pk=1)
        search = _search_is_due(tree, now)
        waiting = _waiting(0 if search else tree.settled, batch)
        if waiting:
            _grow(tree, waiting)
            root = merkle.Frontier.read(tree.size, bytes(tree.frontier)).root()
            Head.objects.create(size=tree.size, at=now, note=heads.sign(signer, origin, tree.size, root, now))
        if len(waiting) < batch:
            if search:
                tree.searched_at = now
            _settle(tree, now)
        tree.save()
        return len(waiting)


def behind(now: datetime) -> timedelta | None:
    """How long the oldest entry that is no leaf yet has waited; None when there is none."""
    tree = Tree.objects.filter(pk=1).first()
    first = next(iter(_waiting(tree.settled if tree else 0, 1)), None)
    return now - first.at if first else None


def thin_heads(now: datetime) -> int:
    """Keep of the heads older than an hour the newest of each hour. Returns how many went."""
    kept: set[Any] = set()
    gone: list[int] = []
    for size, at in Head.objects.filter(at__lt=now - KEPT_EACH).order_by("-size").values_list("size", "at"):
        hour = at.replace(minute=0, second=0, microsecond=0)
        if hour in kept:
            gone.append(size)
        kept.add(hour)
    for start in range(0, len(gone), 500):
        Head.objects.filter(size__in=gone[start : start + 500]).delete()
    return len(gone)


def data_of(entry: Entry) -> bytes:
    """The bytes of an entry's leaf as the row gives them."""
    sealed = entry.sealed or leaves.commitment(bytes(entry.salt or b""), entry.reader, entry.facts)
    return leaves.leaf(entry.id, entry.at, entry.kind, entry.message, bytes(sealed))


def _something_to_do(now: datetime) -> bool:
    tree = Tree.objects.filter(pk=1).first()
    return tree is None or _search_is_due(tree, now) or bool(_waiting(tree.settled, 1))


def _search_is_due(tree: Tree, now: datetime) -> bool:
    return tree.searched_at is None or now - tree.searched_at > SEARCH


def _settle(tree: Tree, now: datetime) -> None:
    """All entries are leaves now, and none can appear any more below what was the highest id some minutes ago."""
    if tree.seen_at is None or now - tree.seen_at > LATE:
        tree.settled = tree.seen
        tree.seen = Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0
        tree.seen_at = now


def _waiting(above: int, limit: int) -> Sequence[Entry]:
    """Entries above an id that are no leaves yet, oldest first."""
    query = (
        "SELECT e.* FROM audit_entry e LEFT JOIN audit_leaf l ON l.entry = e.id "
        "WHERE e.id > %s AND l.entry IS NULL ORDER BY e.id LIMIT %s"
    )
    return list(Entry.objects.raw(query, [above, limit]))


def _grow(tree: Tree, entries: Sequence[Entry]) -> None:
    frontier = merkle.Frontier.read(tree.size, bytes(tree.frontier))
    added: list[Leaf] = []
    blocks: list[Block] = []
    block = _open_block(tree.size)
    for entry in entries:
        hash_ = merkle.leaf_hash(data_of(entry))
        added.append(Leaf(index=frontier.size, entry=entry.id, hash=hash_))
        frontier.add(hash_)
        block.append(hash_)
        if len(block) == BLOCK:
            blocks.append(Block(index=frontier.size // BLOCK - 1, hash=merkle.root(block)))
            block = []
    Leaf.objects.bulk_create(added)
    Block.objects.bulk_create(blocks)
    tree.size, tree.frontier = frontier.size, bytes(frontier)


def _open_block(size: int) -> list[bytes]:
    """The leaves since the last whole block."""
    found = Leaf.objects.filter(index__gte=size - size % BLOCK).order_by("index").values_list("hash", flat=True)
    return [bytes(hash_) for hash_ in found]
