"""The spool in a bucket, for several hosts: any worker opens what any door took (docs/decisions/0008).

An object is durable before its row, as a file is. One that has no row a day later may have been answered 250 or not:
an object bears no mark, for that would be a second request for each mail.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.conf import settings

from portal.ingest.errors import SpoolMissing
from portal.ingest.models import Spooled
from portal.ingest.states import FINAL
from portal.vault.behind import Write
from portal.vault.blobs import store_at
from portal.vault.blobstore import Source, Store
from portal.vault.errors import BlobMissing

ORPHAN_AGE = timedelta(days=1)
"""Two clocks are compared here, the bucket's and ours: no jump of an hour may make a mail of this minute look old."""
_AT_ONCE = 4 * 1024 * 1024
_BATCH = 500


def bucket() -> Store | None:
    """The bucket of LETTERLOCK_SPOOL_URL; None when that is a folder."""
    url: str = settings.LETTERLOCK.spool_url
    return store_at(url) if url.startswith("s3:") else None


def put(store: Store, id_: UUID, fill: Callable[[Write], object]) -> None:
    """Store one sealed mail; durable when this returns. Raises OSError."""
    try:
        store.put(id_, fill)
    except BlobMissing:
        raise OSError from None  # the bucket itself is not there


def source(store: Store, id_: UUID) -> Source:
    """The sealed mail, a small one fetched whole with the first request.

    Raises:
        SpoolMissing: the bucket answers that it has no such object.
        OSError: the bucket does not answer just now.
    """
    try:
        opened = store.open(id_)
    except BlobMissing:
        raise SpoolMissing from None
    opened.read_at(0, min(opened.size, _AT_ONCE))
    return opened


def sweep(store: Store, now: datetime) -> tuple[int, list[UUID]]:
    """Delete objects older than a day whose row is in a final state, and uploads that were never finished. Returns how
    many, and the mails that have no row; their objects stay."""
    removed, listed, unknown = 0, iter(store.stored()), []
    while batch := list(islice(listed, _BATCH)):
        old = {item.blob for item in batch if item.changed_at < now - ORPHAN_AGE}
        # Asked after the listing, so that a row that came meanwhile counts.
        states = dict(Spooled.objects.filter(pk__in=old).values_list("pk", "state"))
        unknown += sorted(old - states.keys())
        for blob in (blob for blob, state in states.items() if state in FINAL):
            store.delete(blob)
            removed += 1
    return removed + store.remove_unfinished(now - ORPHAN_AGE), unknown
