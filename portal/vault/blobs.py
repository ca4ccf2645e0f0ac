"""The blob store on the file system: sealed streams too large for a database row, one file each, with random names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from django.conf import settings

from portal.vault.behind import Write, write_whole
from portal.vault.errors import BlobMissing
from portal.vault.stream import FileSource


class FileStore:
    """Blobs in a folder, two levels deep so that no directory grows without end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, blob: UUID, fill: Callable[[Write], object]) -> int:
        """Write a blob by `fill` and make it durable; returns its size in bytes. Nothing has its name before that."""
        path = self._path(blob)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".writing")
        with temporary.open("wb", buffering=0) as file:
            fill(lambda piece: write_whole(file.write, piece))
            size = os.fstat(file.fileno()).st_size
            os.fsync(file.fileno())
        temporary.rename(path)
        for folder in (path.parent, path.parent.parent):
            _sync(folder)
        return size

    def open(self, blob: UUID) -> FileSource:
        """The blob for reading at any place; the caller closes it. BlobMissing when there is none."""
        try:
            return FileSource(self._path(blob))
        except FileNotFoundError:
            raise BlobMissing from None

    def delete(self, blob: UUID) -> None:
        """Remove a blob; one that is gone already is no error."""
        self._path(blob).unlink(missing_ok=True)

    def _path(self, blob: UUID) -> Path:
        return self._folder / blob.hex[-2:] / blob.hex


def store() -> FileStore:
    """The store of this installation."""
    return FileStore(settings.LETTERLOCK.data / "blobs")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
