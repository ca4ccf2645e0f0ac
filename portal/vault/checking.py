"""Checking stored messages end to end: every wrap opened, every stream read to its last byte, every digest compared."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import cbor2
from django.utils import timezone

from portal.keys.errors import KeyDestroyed, NoSuchKey, WrapRefused
from portal.keys.service import keys
from portal.keys.wraps import unwrap
from portal.vault.blobs import store
from portal.vault.errors import (
    BlobMissing,
    BlobsUnavailable,
    EmptyStream,
    NotAStream,
    SealBroken,
    Truncated,
    UnknownFormat,
    UnknownSuite,
    UnknownVersion,
)
from portal.vault.models import Message, Reader, Wrap
from portal.vault.opening import Opened
from portal.vault.readers import is_closed
from portal.vault.searching import tokens_of
from portal.vault.toc import Toc
from portal.vault.wrapping import rights_digest

WRAP_REFUSED = "a wrap does not open: it, its reader's row or the message's rights were changed"
WRAPS_DIFFER = "two wraps hold different keys"
KEY_GONE = (
    "no key is left for a reader, though no withdrawal is noted: the database is a copy from before it was destroyed, "
    "or the keyring is another's"
)
KEY_MISSING = "the keyring lacks an epoch that it is wrapped under: the keyring is older than the database"
NO_READER = "nobody has a wrap of it, though nothing was withdrawn"
TOMBSTONE_FULL = (
    "it was destroyed, but content, wraps or search tokens are still there: let the next round of destruction finish"
)


@dataclass
class Checked:
    """What was found of one message; `problems` are sentences without content."""

    problems: list[str] = field(default_factory=list)
    opened: bool = False
    away: bool = False
    """Whether its streams are kept by its recipients alone, so that only its wraps were looked at."""
    split: bool = False
    """Whether its key needs a share, so that only the outlines of its streams were looked at."""
    wraps: int = 0
    streams: int = 0
    bytes: int = 0
    """Sealed bytes read."""


def check(message: Message) -> Checked:
    """Check one message in constant memory.

    Raises:
        ProviderUnavailable, BlobsUnavailable: nothing is said about the message; try again later.
    """
    found = Checked()
    if message.destroyed_at is not None:
        left = (message.blobs, Wrap.objects.filter(reader__message=message), tokens_of(message))
        if bytes(message.container) or any(rows.exists() for rows in left):
            found.problems.append(TOMBSTONE_FULL)
        return found
    if message.destroying_at is not None:
        return found
    key = _key(message, found)
    if key is not None:
        if message.away_at is not None:
            found.away = True
            return found
        if message.split:
            found.split = True
            # The wraps hold the inner key: without a reader's share only the streams' outlines can be looked at.
            _check_outlines(message, found)
            return found
        found.opened = True
        _check_content(message, key, found)
    return found


def _key(message: Message, found: Checked) -> bytes | None:
    """The message's key, after every wrap of every living reader was tried; None when no wrap may open any more."""
    known: set[bytes] = set()
    problems: set[str] = set()
    living = message.readers.filter(destroying_at=None, destroyed_at=None)
    for reader in living.prefetch_related("wraps__epoch"):
        opened, problem = _wraps_of(message, reader, found)
        known |= opened
        problems |= {problem} if problem else set()
    if not known and not problems and not is_closed(message, timezone.now()):
        problems.add(NO_READER)
    if len(known) > 1 and not message.split:
        problems.add(WRAPS_DIFFER)
    found.problems += sorted(problems)
    return known.pop() if len(known) == 1 or (known and message.split) else None


def _wraps_of(message: Message, reader: Reader, found: Checked) -> tuple[set[bytes], str]:
    """The keys in a reader's wraps, and what is wrong with them."""
    opened: set[bytes] = set()
    problem, digest = "", rights_digest(message, reader)
    for held in reader.wraps.all():
        found.wraps += 1
        epoch = held.epoch
        try:
            leaf = keys().leaf(epoch.epoch, epoch.number, reader.number)
            opened.add(unwrap(leaf, bytes(held.wrapped), epoch.epoch, message.id, reader.id, digest))
        except KeyDestroyed:
            continue  # a day that is over or a generation that was retired; another wrap of this reader may live
        except NoSuchKey:
            problem = KEY_MISSING
        except WrapRefused:
            problem = WRAP_REFUSED
    if len(opened) > 1:
        problem = WRAPS_DIFFER
    if not opened and not problem and not is_closed(message, timezone.now()) and reader.withdrawn_at is None:
        problem = KEY_GONE
    return opened, problem


def _check_content(message: Message, key: bytes, found: Checked) -> None:
    """The table of contents, then every stream whole."""
    try:
        container: dict[str, bytes] = cbor2.loads(bytes(message.container))
        opened = Opened(message, key)
        digests = _digests(opened.toc)
    except (SealBroken, UnknownFormat, BlobMissing) as error:
        found.problems.append(f"toc: {_word(error)}")
        return
    except (cbor2.CBORDecodeError, TypeError, ValueError, AttributeError):
        found.problems.append("the container or the rights are not readable")
        return
    names = [*container, *message.blobs.values_list("name", flat=True)]
    for name in sorted(set(digests) - set(names)):
        found.problems.append(f"{name}: missing")
    for name in names:
        found.streams += 1
        try:
            found.bytes += _check_stream(opened, name, digests.get(name), found)
        except BlobsUnavailable:
            raise
        except (SealBroken, UnknownFormat, BlobMissing, OSError) as error:
            found.problems.append(f"{name}: {_word(error)}")


def _check_outlines(message: Message, found: Checked) -> None:
    """Whether every blob that a row names is there and has its size."""
    for blob in message.blobs.all():
        try:
            with store().open(blob.id) as source:
                whole = source.size == blob.size
        except BlobMissing as error:
            found.problems.append(f"{blob.name}: {_word(error)}")
            continue
        if not whole:
            found.problems.append(f"{blob.name}: not of the size it was sealed with")


def _check_stream(opened: Opened, name: str, wanted: tuple[int, bytes | None] | None, found: Checked) -> int:
    """Read one stream to its end; its plaintext size. What no table names must still open."""
    opener = opened.stream(name)
    if wanted is None:
        return sum(map(len, opener.chunks(0, opener.size)))
    size, digest = wanted
    if size > opener.size:
        found.problems.append(f"{name}: shorter than the table of contents says")
        return 0
    hashed, read = hashlib.sha256(), 0
    for piece in opener.chunks(0, opener.size):
        hashed.update(piece[: max(0, size - read)])
        read += len(piece)
    if digest is not None and hashed.digest() != digest:
        found.problems.append(f"{name}: not what the table of contents says")
    return read


def _digests(toc: Toc) -> dict[str, tuple[int, bytes | None]]:
    """The true length of each stream that the table names, and its digest where it has one."""
    named: dict[str, tuple[int, bytes | None]] = {file.stream: (file.size, file.sha256) for file in toc.every_file()}
    named |= {body.stream: (body.size, None) for body in toc.bodies() if body.stream}
    return named | {"original": (toc.original_size, None)}


def _word(error: Exception) -> str:
    kinds: dict[type[Exception], str] = {
        Truncated: "cut short",
        EmptyStream: "empty",
        UnknownFormat: "of an unknown format",
        UnknownVersion: "of an unknown format version",
        UnknownSuite: "of an unknown cipher suite",
        NotAStream: "other bytes than a sealed stream",
        BlobMissing: "missing in the blob store",
        OSError: "not read by the disk",
    }
    return kinds.get(type(error), "damaged")
