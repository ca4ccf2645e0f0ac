"""Files on their way into a draft: each piece is sealed as it comes, and when all are here they become one file of it.

A piece that is here survives a restart and is seen by every web host: its bytes are a blob, its place a row. Nothing of
it is ever in clear outside memory. What nobody goes on with is deleted after a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import cbor2
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.ids import new_id
from portal.vault import unsent
from portal.vault.blobs import store
from portal.vault.errors import BlobMissing, NotArriving, SealBroken, WrongPlace
from portal.vault.models import Arriving, ArrivingPiece, Unsent, UnsentFile
from portal.vault.opening import Opened
from portal.vault.sources import Bytes
from portal.vault.stream import Context

LEAST_PIECE = 256 * 1024
"""Bytes; only the last piece of a file may have fewer, else a browser could fill the store with crumbs."""
MOST_PIECE = 4 * 1024 * 1024
"""Bytes of one piece, which is held in memory while it is sealed."""
LIFE = timedelta(days=1)
"""After the last piece."""


@dataclass(frozen=True)
class Coming:
    """A file on its way; sizes in bytes of clear text."""

    id: UUID
    name: str
    content_type: str
    size: int
    changed: str
    """When its writer's device says that it was last changed, as it says it: the same file is known again by that."""
    have: int

    def __repr__(self) -> str:
        return f"Coming({self.have} of {self.size} bytes)"

    @property
    def percent(self) -> int:
        return 100 * self.have // self.size if self.size else 100


def begin(opened: Opened, row: Unsent, name: str, content_type: str, size: int, changed: str) -> Coming:
    """Expect a file of `size` bytes. The caller has seen to it that it may come."""
    id_ = new_id()
    about = unsent.sealed(
        opened, id_, "arriving", cbor2.dumps([name, content_type, size, changed]) + unsent.whose(row.reader_id)
    )
    Arriving.objects.create(id=id_, unsent=row, about=about, touched_at=timezone.now())
    coming = Coming(id_, name, content_type, size, changed, 0)
    if not size:
        _finish(opened, row, coming)
    return coming


def of_draft(opened: Opened, row: Unsent | None) -> list[Coming]:
    """The files on their way into a draft, in the order they were begun; none without a draft.

    What does not open any more is left out: it can be begun again.
    """
    return [found for file in row.arriving.order_by("pk") if (found := _read(opened, file))] if row else []


def find(opened: Opened, row: Unsent | None, id_: UUID) -> Coming:
    """One file of a draft, on its way or just arrived; NotArriving."""
    file = row.arriving.filter(pk=id_).first() if row else None
    if file is not None and (found := _read(opened, file)):
        return found
    for kept in unsent.files_of(opened, row):
        if kept.id == id_:
            return Coming(id_, kept.name, kept.content_type, kept.size, "", kept.size)
    raise NotArriving


def append(opened: Opened, row: Unsent, id_: UUID, start: int, data: bytes) -> Coming:
    """Seal the next piece; with the last one, the file becomes one of the draft's.

    Nothing where all bytes are here already finishes what a failure has left unfinished.

    Raises:
        NotArriving, WrongPlace: nothing was kept.
        BlobsUnavailable, DatabaseError: the same; try again later.
    """
    coming = find(opened, row, id_)
    last = start + len(data) == coming.size
    fits = len(data) <= MOST_PIECE and start + len(data) <= coming.size and (last or len(data) >= LEAST_PIECE)
    if start != coming.have or not fits:
        raise WrongPlace(coming.have)
    if data:
        _keep(opened, row, coming, data)
        coming = replace(coming, have=start + len(data))
    if coming.have == coming.size and not UnsentFile.objects.filter(pk=id_).exists():
        _finish(opened, row, coming)
    return coming


def remove(row: Unsent, id_: UUID) -> None:
    """Take a file out, on its way or arrived, if it belongs to this draft."""
    with transaction.atomic():
        file = row.arriving.select_for_update().filter(pk=id_).first()
        if file is not None:
            _drop(file)
    unsent.remove_file(row, id_)


def tidy(now: datetime) -> int:
    """Delete what nobody has gone on with for long; how many. Safe at any time and twice."""
    count = 0
    for file in Arriving.objects.filter(touched_at__lt=now - LIFE):
        with transaction.atomic():
            _drop(file)
        count += 1
    return count


def _keep(opened: Opened, row: Unsent, coming: Coming, data: bytes) -> None:
    """The blob first: no row ever names one that is not there."""
    id_ = new_id()
    sealer = opened.sealer_beside(_context(id_, coming.id, coming.have), len(data))
    store().put(id_, partial(sealer.seal_all, [data]))
    try:
        with transaction.atomic():
            file = row.arriving.select_for_update().filter(pk=coming.id).first()
            if file is None:
                raise NotArriving
            if file.have != coming.have:  # another window, or a try that was thought lost, was quicker
                raise WrongPlace(file.have)
            ArrivingPiece.objects.create(id=id_, arriving=file, start=coming.have, size=len(data))
            file.have, file.touched_at = coming.have + len(data), timezone.now()
            file.save(update_fields=["have", "touched_at"])
    except IntegrityError:
        unsent.delete_blobs([id_])
        raise WrongPlace(coming.have) from None
    except BaseException:
        unsent.delete_blobs([id_])
        raise


def _finish(opened: Opened, row: Unsent, coming: Coming) -> None:
    """Seal all pieces once more as one file of the draft, and let them go."""
    with transaction.atomic():
        file = row.arriving.select_for_update().filter(pk=coming.id).first()
        if file is None:  # finished meanwhile
            return
        pieces = list(file.pieces.order_by("start"))
        try:
            if sum(piece.size for piece in pieces) != coming.size:
                raise SealBroken
            chunks = _chunks(opened, coming, pieces)
            unsent.add_file(opened, row, coming.name, coming.content_type, coming.size, chunks, coming.id)
            whole = True
        except (BlobMissing, SealBroken):
            whole = False
        _drop(file)
    if not whole:
        raise NotArriving  # it can only be sent again from its beginning


def _chunks(opened: Opened, coming: Coming, pieces: list[ArrivingPiece]) -> Iterator[bytes]:
    for piece in pieces:
        with store().open(piece.id) as source:
            opener = opened.opener_beside(_context(piece.id, coming.id, piece.start), source)
            if piece.size > opener.size:
                raise SealBroken
            yield from opener.chunks(0, piece.size)


def _context(piece: UUID, file: UUID, start: int) -> Context:
    """Which file a piece belongs to and where: changed rows put no piece in another's place."""
    return Context(piece, f"piece/{file.hex}/{start}")


def _drop(file: Arriving) -> None:
    blobs = list(file.pieces.values_list("pk", flat=True))
    file.delete()
    transaction.on_commit(partial(unsent.delete_blobs, blobs))


def _read(opened: Opened, file: Arriving) -> Coming | None:
    try:
        stream = opened.opener_beside(Context(file.id, "arriving"), Bytes(bytes(file.about)))
        name, content_type, size, changed = unsent.told(stream.read(0, stream.size), file.unsent.reader_id)
    except (SealBroken, cbor2.CBORDecodeError, ValueError):
        return None
    return Coming(file.id, name, content_type, size, changed, file.have)
