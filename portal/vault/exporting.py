"""Exports: one message's sealed streams as they are stored, in one file, with its key sealed to the recovery key.

LLE1 | suite u8 = 1 | message id 16 | sealed key 1168 | for each stream: u8 length, name | u64 size, sealed bytes
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import cbor2
from django.utils import timezone

from portal.audit.record import record
from portal.keys.disk import sync_folder
from portal.keys.errors import KeyDestroyed
from portal.keys.recovery import RecoveryPublic
from portal.vault.behind import write_whole
from portal.vault.blobs import store
from portal.vault.errors import ExportRefused, MessageAway, SealBroken, Truncated
from portal.vault.models import Message
from portal.vault.opening import key_for
from portal.vault.readers import is_closed

MAGIC = b"LLE1"
SUITE = 1
PURPOSE = "export"
SPLIT = (
    "This message needs a share that only its readers' mails hold, so its key cannot be exported. With split=escrow "
    "`manage.py keys recover` gives the share."
)
_COPY_BYTES = 1024 * 1024


def export(message: Message, path: Path, recovery: RecoveryPublic) -> int:
    """Write a message to a new file that only the recovery key opens; its size in bytes. The body is opened by nobody.

    Raises:
        FileExistsError, OSError: the file is there, or cannot be written; nothing is left of it.
        ExportRefused: withdrawn or closed, and not held.
        MessageAway: its recipients alone have it.
        KeyDestroyed: nothing opens it any more.
        SealBroken, BlobMissing, ProviderUnavailable, BlobsUnavailable: as their sentences say.
    """
    # Of what is withdrawn or closed only a legal hold may make a copy, for a copy outlives every destruction here.
    if message.split:
        raise ExportRefused(SPLIT)
    if message.away_at is not None:
        raise MessageAway
    if message.held_at is None and is_closed(message, timezone.now()):
        raise ExportRefused
    key = _key(message)
    sealed_key = recovery.seal(PURPOSE, key, message.id.bytes)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            for piece in _pieces(message, sealed_key):
                write_whole(file.write, memoryview(piece))
            size = os.fstat(file.fileno()).st_size
            os.fsync(file.fileno())
        sync_folder(path.parent)
        record("message.exported", message=message.id, size=size)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    return size


def _key(message: Message) -> bytes:
    """The message's key, by the first of its readers that has a wrap which lives."""
    for reader in message.readers.order_by("number"):
        with suppress(KeyDestroyed):
            return key_for(reader)
    raise KeyDestroyed


def _pieces(message: Message, sealed_key: bytes) -> Iterator[bytes]:
    yield MAGIC + bytes((SUITE,)) + message.id.bytes + sealed_key
    try:
        container: dict[str, bytes] = cbor2.loads(bytes(message.container))
    except (cbor2.CBORDecodeError, ValueError):
        raise SealBroken from None
    for name, sealed in container.items():
        yield _head(name, len(sealed)) + sealed
    for blob in message.blobs.order_by("name"):
        yield from _blob(blob.id, blob.name)


def _blob(blob: UUID, name: str) -> Iterator[bytes]:
    with store().open(blob) as source:
        yield _head(name, source.size)
        at = 0
        while at < source.size:
            piece = source.read_at(at, min(_COPY_BYTES, source.size - at))
            if not piece:
                raise Truncated
            yield piece
            at += len(piece)


def _head(name: str, size: int) -> bytes:
    encoded = name.encode()
    return bytes((len(encoded),)) + encoded + size.to_bytes(8, "big")
