"""What a person writes and has not sent, text and files: sealed under the key of the message that it is written at.

So it lives no longer than the message: what withdraws, closes or destroys that takes this along, in every backup. What
is only dropped here, sent or left alone for long, is deleted and not punctured. What is written at no message has a key
of its own, which is kept nowhere here (`Own`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any, Protocol
from uuid import UUID

import cbor2
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.ids import new_id
from portal.vault.blobs import store
from portal.vault.errors import SealBroken, VaultError
from portal.vault.models import ArrivingPiece, Reader, Unsent, UnsentFile
from portal.vault.opening import Opened
from portal.vault.padding import padded_length
from portal.vault.sources import Bytes, RandomAccess
from portal.vault.stream import Context, Opener, Sealer, chunk_log2_for

log = logging.getLogger(__name__)

KINDS = REPLY, ALL, FORWARD = ("reply", "all", "forward")
APPROACH = "new"
"""Of what is written at no message."""
LIFE = timedelta(days=90)
"""After the last change. Most messages close before; at those that never do, nothing half-written lies for good."""
UNWRITTEN = UUID(int=0)
"""The version of a draft that was begun for its files: no window has written in it."""
_TRIES = 3


class Beside(Protocol):
    """What seals and opens a draft: the message that it is written at (portal.vault.opening.Opened), or `Own`."""

    def sealer_beside(self, context: Context, length: int) -> Sealer: ...

    def opener_beside(self, context: Context, sealed: RandomAccess) -> Opener: ...


class Own:
    """A draft's own key, 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "Own(…)"

    def sealer_beside(self, context: Context, length: int) -> Sealer:
        return Sealer(self._key, context, chunk_log2_for(padded_length(length)))

    def opener_beside(self, context: Context, sealed: RandomAccess) -> Opener:
        return Opener(sealed, self._key, context)


@dataclass(frozen=True)
class Words:
    """What was written; `to` holds the addresses that were ticked, or what was typed of whom it is from and to."""

    subject: str = ""
    text: str = ""
    to: tuple[str, ...] = ()
    original: bool = False
    """Whether the message that is answered goes along."""
    html: str = ""
    """The same as `text` with its formats, cleaned; "" for text without any."""

    def __repr__(self) -> str:
        return "Words(…)"

    def encode(self, reader: UUID | None) -> bytes:
        # Behind the rest, as items of their own: older versions read the first alone, and beside them nothing is lost.
        first = cbor2.dumps([self.subject, self.text, list(self.to), self.original])
        return first + cbor2.dumps(self.html) + whose(reader)

    @classmethod
    def decode(cls, encoded: bytes, reader: UUID | None) -> Words:
        """Read `encode`'s bytes, or those without HTML, padding behind them ignored. SealBroken when they are none, or
        those of another reader of the same message."""
        source = BytesIO(encoded)
        try:
            subject, text, to, original = cbor2.load(source)
            html = cbor2.load(source) if source.tell() < len(encoded) else ""
            check_whose(source, len(encoded), reader)
            return cls(
                str(subject), str(text), tuple(map(str, to)), bool(original), html if isinstance(html, str) else ""
            )
        except (cbor2.CBORDecodeError, TypeError, ValueError):
            raise SealBroken from None


def whose(reader: UUID | None) -> bytes:
    """Whose draft it is, as it stands behind what is sealed: all who read a message have its key, and nothing else
    would tell the draft of one from that of another."""
    return cbor2.dumps(reader.bytes if reader else b"")


def check_whose(source: BytesIO, length: int, reader: UUID | None) -> None:
    """SealBroken where another reader's follows at this place. What was sealed before says nothing there."""
    found = cbor2.load(source) if source.tell() < length else b""
    if isinstance(found, bytes) and found and found != (reader.bytes if reader else b""):
        raise SealBroken


@dataclass(frozen=True)
class Kept:
    """A file that was added, and waits to be sent along."""

    id: UUID
    name: str
    content_type: str
    size: int
    """Bytes in clear."""
    beside: Beside

    def __repr__(self) -> str:
        return f"Kept({self.size} bytes)"

    def chunks(self) -> Iterator[bytes]:
        """The file in pieces, each authenticated. SealBroken, BlobMissing when it is damaged."""
        with store().open(self.id) as source:
            yield from self.beside.opener_beside(Context(self.id, "file"), source).chunks(0, self.size)


def of_reader(reader: Reader, kind: str) -> Unsent | None:
    """What a reader has unsent of one of KINDS."""
    return reader.unsent.filter(kind=kind).first()


def words_of(opened: Beside, row: Unsent) -> Words:
    """SealBroken when they are not what was sealed."""
    stream = opened.opener_beside(Context(row.id, "words"), Bytes(bytes(row.words)))
    return Words.decode(stream.read(0, stream.size), row.reader_id)


def files_of(opened: Beside, row: Unsent | None) -> list[Kept]:
    """The files that were added, in that order; none without a row."""
    return [_kept(opened, file) for file in row.files.order_by("pk")] if row else []


def begin(opened: Opened, reader: Reader, kind: str, words: Words) -> Unsent:
    """What a reader has unsent of a kind; begun with these words where there is nothing yet."""
    return of_reader(reader, kind) or save(opened, reader, kind, words, UNWRITTEN)[0]


def begin_alone(beside: Beside, words: Words) -> Unsent:
    """A draft that is written at no message, with these words."""
    id_ = new_id()
    kept = sealed(beside, id_, "words", words.encode(None))
    return Unsent.objects.create(id=id_, kind=APPROACH, version=new_id(), words=kept, saved_at=timezone.now())


def rewrite(beside: Beside, row: Unsent, words: Words) -> None:
    """Put other words into it."""
    row.words = sealed(beside, row.id, "words", words.encode(row.reader_id))
    Unsent.objects.filter(pk=row.pk).update(words=row.words)
    _touch(row)


def save(opened: Opened, reader: Reader, kind: str, words: Words, seen: UUID | None) -> tuple[Unsent, bool]:
    """Keep these words; the row, and whether they went over others that this window had not seen.

    `seen` is the version that the window knew, None when it knew of none. The last write wins, and what it went over
    stays as `other` until the next time.
    """
    for attempt in range(_TRIES):
        try:
            with transaction.atomic():
                return _save(opened, reader, kind, words, seen)
        except IntegrityError:  # another window began one in this very moment
            if attempt == _TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _save(opened: Opened, reader: Reader, kind: str, words: Words, seen: UUID | None) -> tuple[Unsent, bool]:
    row = _locked(reader, kind)
    now = timezone.now()
    if row is None:
        id_ = new_id()
        made_of = sealed(opened, id_, "words", words.encode(reader.pk))
        version = UNWRITTEN if seen == UNWRITTEN else new_id()
        made = Unsent.objects.create(id=id_, reader=reader, kind=kind, version=version, words=made_of, saved_at=now)
        return made, False
    if words_of(opened, row) == words:
        return row, False
    unseen = row.version not in (seen, UNWRITTEN)
    if unseen:
        row.other, row.other_at = row.words, row.saved_at
    row.words, row.saved_at, row.version = sealed(opened, row.id, "words", words.encode(row.reader_id)), now, new_id()
    row.save()
    return row, unseen


def swap(reader: Reader, kind: str) -> None:
    """Put the words that were written over in the place of those that are there, which stay in theirs."""
    with transaction.atomic():
        row = _locked(reader, kind)
        if row is None or row.other is None or row.other_at is None:
            return
        row.words, row.other = row.other, row.words
        row.saved_at, row.other_at = row.other_at, row.saved_at
        row.version = new_id()
        row.save()


def add_file(
    opened: Beside,
    row: Unsent,
    name: str,
    content_type: str,
    size: int,
    chunks: Iterable[bytes],
    id_: UUID | None = None,
) -> None:
    """Keep a file of `size` bytes with it. The blob first: no row ever names one that is not there.

    Raises:
        BlobsUnavailable: the store does not answer or is full.
    """
    id_ = id_ or new_id()
    sealer = opened.sealer_beside(Context(id_, "file"), size)
    store().put(id_, partial(sealer.seal_all, chunks))
    about = sealed(opened, id_, "about", cbor2.dumps([name, content_type, size]) + whose(row.reader_id))
    try:
        with transaction.atomic():
            UnsentFile.objects.create(id=id_, unsent=row, about=about)
            _touch(row)
    except IntegrityError:
        # Sent or deleted meanwhile in another window: there is nothing for it to belong to.
        delete_blobs([id_])
        raise


def remove_file(row: Unsent, file: UUID) -> None:
    """Take a file out again, if it belongs to this row."""
    with transaction.atomic():
        if not row.files.filter(pk=file).delete()[0]:
            return
        _touch(row)
    delete_blobs([file])


def drop(row: Unsent) -> None:
    """Delete it with its files: it is sent, or not wanted any more."""
    drop_of(Unsent.objects.filter(pk=row.pk))


def drop_of(rows: QuerySet[Unsent]) -> int:
    """Delete these with their files; how many. A blob that the store does not delete now is left to `vault gc`."""
    blobs = list(UnsentFile.objects.filter(unsent__in=rows).values_list("pk", flat=True))
    blobs += ArrivingPiece.objects.filter(arriving__unsent__in=rows).values_list("pk", flat=True)
    count = rows.delete()[1].get("vault.Unsent", 0)
    # After the rows, and only if they go for good: a row without its blob would be a draft that does not open.
    transaction.on_commit(partial(delete_blobs, blobs))
    return count


def tidy(now: datetime) -> int:
    """Delete what nobody has touched for long; how many. Safe at any time and twice."""
    return drop_of(Unsent.objects.filter(saved_at__lt=now - LIFE))


def _locked(reader: Reader, kind: str) -> Unsent | None:
    return Unsent.objects.select_for_update().filter(reader=reader, kind=kind).first()


def _touch(row: Unsent) -> None:
    # Not its version, which tells of words: a file that is added beside them is seen as a file.
    row.saved_at = timezone.now()
    Unsent.objects.filter(pk=row.pk).update(saved_at=row.saved_at)


def _kept(opened: Beside, file: UnsentFile) -> Kept:
    stream = opened.opener_beside(Context(file.id, "about"), Bytes(bytes(file.about)))
    name, content_type, size = told(stream.read(0, stream.size), file.unsent.reader_id)
    return Kept(file.id, name, content_type, size, opened)


def told(encoded: bytes, reader: UUID | None) -> list[Any]:
    """What is sealed of a file of a reader's draft. SealBroken where it is another's."""
    source = BytesIO(encoded)
    found = cbor2.load(source)
    check_whose(source, len(encoded), reader)
    return list(found)


def sealed(opened: Beside, id_: UUID, name: str, plaintext: bytes) -> bytes:
    """A small stream of a row's id, padded."""
    sealer = opened.sealer_beside(Context(id_, name), len(plaintext))
    return b"".join([sealer.header, sealer.update(plaintext), *sealer.finish_padded()])


def delete_blobs(blobs: Sequence[UUID]) -> None:
    """Delete what no row names any more. What the store does not delete now is left to `vault gc`."""
    for blob in blobs:
        try:
            store().delete(blob)
        except (OSError, VaultError) as error:
            log.error("a file of a draft cannot be deleted yet: %s", type(error).__name__)
