"""What a blob store is, and what its objects are called, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from portal.vault.behind import Write
from portal.vault.sources import RandomAccess


@dataclass(frozen=True)
class Stored:
    """A blob as the store lists it. `name` is what stands there: None when it is no blob's name."""

    blob: UUID
    size: int
    changed_at: datetime
    """Aware; when it was written."""


class Source(RandomAccess, AbstractContextManager["Source"], Protocol):
    """A stored blob, open for reading at any place until `close`."""

    def close(self) -> None: ...


class Store(Protocol):
    """Where blobs are. A blob is written once, whole or not at all, and durable when `put` returns.

    Raises:
        BlobsUnavailable: the store does not answer or is full; nothing is wrong with the blob. Try again later.
        BlobMissing: it answers that there is no such blob.
    """

    def put(self, blob: UUID, fill: Callable[[Write], object]) -> int:
        """Write a blob by `fill` and make it durable; returns its size in bytes. Nothing has its name before that."""

    def open(self, blob: UUID) -> Source:
        """The blob for reading at any place; the caller closes it."""

    def delete(self, blob: UUID) -> None:
        """Remove a blob; one that is gone already is no error."""

    def stored(self) -> Iterator[Stored]:
        """All blobs, in constant memory; what bears no blob's name is passed over."""

    def remove_unfinished(self, before: datetime) -> int:
        """Remove what writers that were killed before `before` left behind; returns how much there was."""

    def health(self) -> None:
        """Raises unless the store can be reached."""

    def describe(self) -> str:
        """For operators, without credentials."""


def name_of(blob: UUID) -> str:
    """What a blob is called in every store: 32 hexadecimal digits."""
    return blob.hex


def blob_of(name: str) -> UUID | None:
    """The blob of that name; None when it is none."""
    try:
        blob = UUID(hex=name)
    except ValueError:
        return None
    return blob if blob.hex == name else None
