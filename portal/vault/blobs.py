"""Blob stores: sealed streams too large for a database row, one object each, with random names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from django.conf import settings

from portal.vault.behind import Write
from portal.vault.errors import BlobSettingRefused
from portal.vault.stream import RandomAccess


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


_stores: dict[str, Store] = {}


def store() -> Store:
    """The store of this installation, one for each process."""
    return store_at(settings.LETTERLOCK.blob_url)


def store_at(url: str) -> Store:
    """The store at an address, one for each process and address."""
    if url not in _stores:
        _stores[url] = store_of(url)
    return _stores[url]


def store_of(url: str) -> Store:
    """The store that LETTERLOCK_BLOB_URL names; opens nothing. BlobSettingRefused when it is none."""
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        from portal.vault.folder import FolderStore  # which knows of blobs itself

        # As it stands: a folder's name may hold what an address would escape.
        return FolderStore(Path(url.removeprefix("file:").removeprefix("//")))
    if parts.scheme == "s3" and parts.hostname:
        from portal.vault.bucket import BucketStore  # loads half a second of libraries, so only where it is used

        options = parse_qs(parts.query)
        if parts.username or parts.password or not set(options) <= {"endpoint", "region"}:
            raise BlobSettingRefused
        return BucketStore(
            parts.netloc,
            parts.path.strip("/"),
            endpoint=options.get("endpoint", [None])[0],
            region=options.get("region", [None])[0],
        )
    raise BlobSettingRefused


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


# A child of a process that uses a store makes its own: two processes must not share one connection.
os.register_at_fork(after_in_child=_stores.clear)
