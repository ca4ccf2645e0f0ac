"""Parked parcels: what a browser posted of message.html, kept for half an hour under a random handle.

Anyone can post anything, so all is bounded by rows: how many one network posts, how much lies here of it, and in all.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Min, QuerySet, Sum
from django.utils import timezone

from portal.keys.service import keys
from portal.vault import readers
from portal.vault.behind import Write
from portal.vault.blobs import store
from portal.vault.errors import NoRoom, NotAParcel, VaultError
from portal.vault.models import Parked, Reader
from portal.vault.parcels import HEAD_BYTES, MOST_BYTES, Head

log = logging.getLogger(__name__)

LIFE = timedelta(minutes=30)
MOST_OF_A_NETWORK = 120
"""Posts from one /24 or /64 in half an hour, failed ones too: a clinic behind one address opens its morning's mail."""
BYTES_OF_A_NETWORK = 256 * 1024 * 1024
BYTES_IN_ALL = 2 * 1024 * 1024 * 1024
"""Of the disk: who posts from eight networks fills it for half an hour, and the links in the notices still work."""
_LOCK = 0x4C4C_7061_726B_6564
_SWEPT = 100


def park(reader: Reader, network: str, size: int, pieces: Iterable[bytes]) -> str:
    """Keep a posted parcel of `size` bytes for a reader's message; the handle, which looks like a link.

    `pieces` are taken once, and only when there is room. Here only the outline is looked at: whether the streams are
    whole shows when they are opened, to whoever may do that.

    Raises:
        NotAParcel: not one of this message, or not of that size; it counts all the same.
        NoRoom: too much lies here; `until` says when something goes.
        BlobsUnavailable, key errors: try again later.
    """
    if not 0 < size <= MOST_BYTES:
        raise NotAParcel
    now = timezone.now()
    sweep(now)
    row = _place(reader, keys().lookup("network", network), size, now)
    try:
        store().put(row.blob, lambda write: _fill(write, reader, size, pieces))
    except BaseException:
        # What is left of it counts for the network, takes no room, and is found by nobody.
        Parked.objects.filter(pk=row.pk).update(size=0)
        raise
    handle = readers.new_link()
    Parked.objects.filter(pk=row.pk).update(handle_lookup=keys().lookup("link", handle))
    return handle


def sweep(now: datetime) -> int:
    """Delete what has had its half hour; how many. What the store does not take now is tried again."""
    gone = 0
    for row in Parked.objects.filter(expires_at__lte=now).order_by("expires_at")[:_SWEPT]:
        try:
            store().delete(row.blob)
        except (OSError, VaultError) as error:
            log.error("a parked parcel cannot be deleted yet: %s", type(error).__name__)
            continue
        gone += Parked.objects.filter(pk=row.pk).delete()[0]
    return gone


def _place(reader: Reader, network: bytes, size: int, now: datetime) -> Parked:
    """A row for it, before any byte is taken: of many at once each sees the others."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite's transactions begin IMMEDIATE: one writer is alone already
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        theirs = Parked.objects.filter(network=network)
        if theirs.count() >= MOST_OF_A_NETWORK or _bytes(theirs) + size > BYTES_OF_A_NETWORK:
            raise NoRoom(_next(theirs, now))
        if _bytes(Parked.objects.all()) + size > BYTES_IN_ALL:
            raise NoRoom(_next(Parked.objects.all(), now))
        return Parked.objects.create(
            blob=uuid4(), reader=reader, network=network, size=size, made_at=now, expires_at=now + LIFE
        )


def _bytes(rows: QuerySet[Parked]) -> int:
    return rows.aggregate(bytes=Sum("size"))["bytes"] or 0


def _next(rows: QuerySet[Parked], now: datetime) -> datetime:
    """When the first of them goes."""
    first: datetime | None = rows.filter(expires_at__gt=now).aggregate(first=Min("expires_at"))["first"]
    return first or now + LIFE


def _fill(write: Write, reader: Reader, size: int, pieces: Iterable[bytes]) -> None:
    """All of it, once its head has said that it is a parcel of this message and as long as what comes."""
    start, taken, known = b"", 0, False
    for piece in pieces:
        taken += len(piece)
        if taken > size:
            raise NotAParcel
        if known:
            write(memoryview(piece))
            continue
        start += piece
        if len(start) >= HEAD_BYTES or taken == size:
            _check(Head.read(start[:HEAD_BYTES]), reader, size)
            write(memoryview(start))
            start, known = b"", True
    if taken != size or not known:
        raise NotAParcel


def _check(head: Head, reader: Reader, size: int) -> None:
    if head.message != reader.message_id or head.size != size:
        raise NotAParcel
