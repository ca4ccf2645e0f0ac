"""Blobs that no row names: left by a writer that was killed, or by a deletion that the store did not take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from portal.vault.blobstore import Store, Stored
from portal.vault.errors import GarbageRefused
from portal.vault.models import ArrivingPiece, Blob, Message, Parked, UnsentFile

KEPT = timedelta(days=1)
"""A blob is written before its row; whatever is younger may be of a mail that is being sealed just now."""
_BATCH = 500
_FEW = 20


@dataclass
class Found:
    """What a look at the store found; sizes in bytes."""

    stored: int = 0
    unnamed: int = 0
    unnamed_bytes: int = 0
    deleted: int = 0
    unfinished: int = 0


def look(store: Store, now: datetime) -> Found:
    """Count what no row names and is older than a day. Deletes nothing."""
    found = Found()
    for old, unnamed in _batches(store, now):
        found.stored += old
        found.unnamed += len(unnamed)
        found.unnamed_bytes += sum(item.size for item in unnamed)
    return found


def collect(store: Store, now: datetime, *, even_most: bool = False) -> Found:
    """Delete what no row names and is older than a day, and what killed writers left. Safe to interrupt and repeat.

    Raises:
        GarbageRefused: most blobs have no row, as with an older or another installation's database.
        BlobsUnavailable: try again later.
    """
    found = look(store, now)
    few = found.unnamed <= _FEW and Message.objects.exists()
    if found.unnamed and not even_most and not few and found.unnamed * 2 > found.stored:
        raise GarbageRefused
    for _, unnamed in _batches(store, now):
        for item in unnamed:
            store.delete(item.blob)
            found.deleted += 1
    found.unfinished = store.remove_unfinished(now - KEPT)
    return found


def _batches(store: Store, now: datetime) -> Iterator[tuple[int, list[Stored]]]:
    """How many old blobs were looked at, and those of them that no row names."""
    listed = iter(store.stored())
    while batch := list(islice(listed, _BATCH)):
        old = [item for item in batch if item.changed_at < now - KEPT]
        # Asked after the listing, so that a row that came meanwhile counts.
        blobs = [item.blob for item in old]
        named = {
            pk
            for rows in (Blob, Parked, UnsentFile, ArrivingPiece)
            for pk in rows.objects.filter(pk__in=blobs).values_list("pk", flat=True)
        }
        yield len(old), [item for item in old if item.blob not in named]
