"""Opening a message for one reader: unwrap the key, open the table of contents, then any stream on demand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import cbor2
from django.db.models import Prefetch, QuerySet

from portal import observing
from portal.keys.errors import KeyDestroyed, NoSuchKey, WrapRefused
from portal.keys.service import keys
from portal.keys.split import open_key
from portal.keys.wraps import unwrap
from portal.vault.blobs import store
from portal.vault.blobstore import Source
from portal.vault.errors import EmptyStream, KeyringOlder, MessageAway, SealBroken, ShareNeeded, ShareRefused
from portal.vault.models import Message, Reader, Wrap
from portal.vault.padding import padded_length
from portal.vault.parcels import Parcel
from portal.vault.readers import address_of, rights_of
from portal.vault.rights import Rights
from portal.vault.sources import Bytes, RandomAccess
from portal.vault.stream import Context, Opener, Sealer, chunk_log2_for
from portal.vault.toc import Body, File, Toc
from portal.vault.wrapping import rights_digest


class Opened:
    """A message opened for one reader. Holds the message key; keep it no longer than one request or task."""

    def __init__(
        self, message: Message, key: bytes, parcel: Parcel | None = None, rights: Rights | None = None
    ) -> None:
        """`parcel` holds its streams in the place of the database and the blob store; `rights` are of whom it is opened
        for, the message's where nobody is named."""
        self.message = message
        self._key = key
        self._streams = parcel or _Stored(message)
        self.posted = parcel is not None
        self.rights = rights or Rights.decode(bytes(message.rights))
        toc = self.stream("toc")
        self.toc = Toc.decode(toc.read(0, toc.size))

    def __repr__(self) -> str:
        return f"Opened({self.message.id})"

    def stream(self, name: str) -> Opener:
        """A named stream for reading at any place. SealBroken when it is not what was sealed, BlobMissing when gone."""
        sealed = self._streams.find(name)
        if sealed is None:
            raise SealBroken
        return Opener(sealed, self._key, Context(self.message.id, name))

    def chunks(self, file: File, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """A file's bytes in pieces, each authenticated before it is given; all of it unless a range is named."""
        opener = self.stream(file.stream)
        return opener.chunks(start, file.size - start if length is None else length)

    def body(self, body: Body) -> str:
        """The text of a body, wherever it lies."""
        return self.stream(body.stream).read(0, body.size).decode() if body.stream else body.here

    def beginning(self, body: Body, most: int) -> str:
        """The first characters of a body, `most` bytes of them; no more than those is read."""
        if not body.stream:
            return body.here.encode()[:most].decode("utf-8", "ignore")
        return self.stream(body.stream).read(0, min(body.size, most)).decode("utf-8", "ignore")

    def original(self) -> Iterator[bytes]:
        """The mail byte for byte as it was received."""
        return self.stream("original").chunks(0, self.toc.original_size)

    def sealer_beside(self, context: Context, length: int) -> Sealer:
        """Seals `length` bytes that are no part of the message but are to die with it, under its key.

        `context` is of a row's own id, so that no such stream is ever taken for one of the message.
        """
        return Sealer(self._key, context, chunk_log2_for(padded_length(length)))

    def opener_beside(self, context: Context, sealed: RandomAccess) -> Opener:
        """The other way round. SealBroken when it is another stream, or another message's."""
        return Opener(sealed, self._key, context)


class _Stored:
    """The streams of a message as they are kept here."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._container = container_of(message)

    def find(self, name: str) -> RandomAccess | None:
        if name in self._container:
            return Bytes(self._container[name])
        blob = self._message.blobs.filter(name=name).first()
        return _Closing(store().open(blob.id)) if blob else None


class _Closing:
    """A blob that is closed when nobody holds it any more, as a streamed answer lets go of it at its end."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.size = source.size

    def read_at(self, offset: int, length: int) -> bytes:
        return self._source.read_at(offset, length)

    def __del__(self) -> None:
        self._source.close()


def container_of(message: Message) -> dict[str, bytes]:
    """The streams in a message's row. EmptyStream or SealBroken when it holds none."""
    container = bytes(message.container)
    if not container:
        raise EmptyStream
    try:
        found = cbor2.loads(container)
    except (cbor2.CBORDecodeError, ValueError, TypeError):
        raise SealBroken from None
    if not isinstance(found, dict) or not all(isinstance(sealed, bytes) for sealed in found.values()):
        raise SealBroken
    return found


def open_message(reader: Reader, share: bytes = b"") -> Opened:
    """Open a reader's message; `share` is what their notice held of a split one.

    Of a reader who came by a handle the posted parcel is opened, and nothing that is stored.

    Raises:
        MessageAway: it travelled with its notices, and is not kept here any more; nothing is wrong with it.
        ShareNeeded, or ShareRefused for a wrong one: ask for the code; nothing is wrong with the message.
        ProviderUnavailable: the key service does not answer; nothing is wrong with the message.
        KeyDestroyed: withdrawn or expired, for good.
        KeyringOlder: the keyring lacks the key; nothing is wrong with the message.
        SealBroken, UnknownFormat, BlobMissing: damaged.
    """
    with observing.work("open", reader.message_id, size=reader.message.padded_size):
        return _open(reader, share)


def _open(reader: Reader, share: bytes) -> Opened:
    message, key = reader.message, key_for(reader)
    if message.away_at is not None and reader.parked is None:
        raise MessageAway  # before anyone is asked for a code that would open nothing here
    if not message.split:
        return Opened(message, key, _posted(reader), rights_of(reader))
    if not share:
        raise ShareNeeded
    try:
        key = open_key(key, share, bytes(reader.split_key), message.id, reader.id)
    except WrapRefused:
        raise ShareRefused from None
    return Opened(message, key, _posted(reader), rights_of(reader))


def with_wraps(found: QuerySet[Reader]) -> QuerySet[Reader]:
    """Readers whose wraps are read together, for pages that open many messages: one query in the place of one each."""
    return found.prefetch_related(Prefetch("wraps", _newest_first(Wrap.objects.all())))


def _newest_first(wraps: QuerySet[Wrap]) -> QuerySet[Wrap]:
    return wraps.select_related("epoch").order_by("-id")


def _posted(reader: Reader) -> Parcel | None:
    return Parcel(_Closing(store().open(reader.parked)), reader.message_id) if reader.parked else None


def key_for(reader: Reader) -> bytes:
    """What a reader's wraps hold: the message key, or of a split message their inner key, which needs a share.

    By the newest wrap whose leaf lives: one under a past day is no obstacle to a later.
    """
    destroyed = False
    try:
        address_of(reader)  # that who is found by this row is whose wraps these are
    except WrapRefused:
        raise SealBroken from None
    try:
        return _key_for(reader)
    except WrapRefused:
        pass
    except KeyDestroyed:
        destroyed = True
    # Rights that were changed between the two look-ups bind the wraps, and not what was read before; of narrower ones
    # the leaf is another, and that of the wraps which were read is destroyed.
    if not _read_again(reader):
        raise KeyDestroyed if destroyed else SealBroken
    try:
        return _key_for(reader)
    except WrapRefused:
        raise SealBroken from None


def proved_rights(reader: Reader) -> Rights:
    """A reader's rights, for who acts on them without opening the message: as a wrap of theirs is bound to them, for
    whoever writes the database can put others into their row. Of what is destroyed the row has to be believed.

    Raises SealBroken where the row says other rights than any wrap, and key errors.
    """
    with suppress(KeyDestroyed):
        key_for(reader)
    return rights_of(reader)


def _read_again(reader: Reader) -> bool:
    """Whether a reader's rights are other ones by now; then they are known here as well."""
    message = reader.message
    now = Reader.objects.filter(pk=reader.pk).values_list("rights", "message__rights").first()
    if now is None or [part and bytes(part) for part in now] == [
        part and bytes(part) for part in (reader.rights, message.rights)
    ]:
        return False
    reader.rights, message.rights = now
    getattr(reader, "_prefetched_objects_cache", {}).pop("wraps", None)
    return True


def _key_for(reader: Reader) -> bytes:
    message = reader.message
    digest = rights_digest(message, reader)
    lacking = False
    fetched = "wraps" in getattr(reader, "_prefetched_objects_cache", {})
    for held in reader.wraps.all() if fetched else _newest_first(reader.wraps.all()):
        epoch = held.epoch
        try:
            leaf = keys().leaf(epoch.epoch, epoch.number, reader.number)
        except KeyDestroyed:
            continue
        except NoSuchKey:
            lacking = True
            continue
        return unwrap(leaf, bytes(held.wrapped), epoch.epoch, message.id, reader.id, digest)
    raise KeyringOlder if lacking else KeyDestroyed
