"""The blob store on the file system: one file a blob, written beside its name, fsynced, then renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from portal.keys.disk import sync_folder
from portal.vault.behind import Write, write_whole
from portal.vault.blobstore import Stored, blob_of, name_of
from portal.vault.errors import BlobMissing, BlobsUnavailable
from portal.vault.sources import FileSource

_UNFINISHED = ".writing"


class FolderStore:
    """Blobs in a folder, two levels deep so that no directory grows without end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, blob: UUID, fill: Callable[[Write], object]) -> int:
        path = self._path(blob)
        with _disk():
            self._make(path.parent)
            # A random name, so that a second writer of the same blob never writes into the first one's file.
            temporary = path.with_suffix(f".{secrets.token_hex(4)}{_UNFINISHED}")
            try:
                # Exclusive and private: a blob is sealed, but its size and times are nobody's business.
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                with os.fdopen(descriptor, "wb", buffering=0) as file:
                    fill(lambda piece: write_whole(file.write, piece))
                    size = os.fstat(file.fileno()).st_size
                    os.fsync(file.fileno())
                temporary.rename(path)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise
            sync_folder(path.parent)
        return size

    def open(self, blob: UUID) -> FileSource:
        with _disk():
            try:
                return FileSource(self._path(blob))
            except FileNotFoundError:
                # A disk that is not mounted looks like a store without blobs, and then none of them is missing.
                if not self._folder.is_dir():
                    raise BlobsUnavailable from None
                raise BlobMissing from None

    def delete(self, blob: UUID) -> None:
        path = self._path(blob)
        with _disk(), suppress(FileNotFoundError):
            path.unlink()
            # Otherwise a power cut brings back what was withdrawn.
            sync_folder(path.parent)

    def stored(self) -> Iterator[Stored]:
        for path in self._files():
            blob = blob_of(path.name)
            # Gone between listing and looking: deleted by its owner.
            with suppress(FileNotFoundError), _disk():
                if blob is not None and path == self._path(blob):
                    status = path.stat()
                    yield Stored(blob, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def remove_unfinished(self, before: datetime) -> int:
        removed = 0
        for path in self._files():
            with suppress(FileNotFoundError), _disk():
                if path.name.endswith(_UNFINISHED) and path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    removed += 1
        return removed

    def health(self) -> None:
        with _disk():
            if self._folder.exists() and not os.access(self._folder, os.R_OK | os.W_OK | os.X_OK):
                raise BlobsUnavailable

    def describe(self) -> str:
        return f"the folder {self._folder}"

    def _files(self) -> Iterator[Path]:
        with _disk():
            shelves = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        for shelf in shelves:
            with _disk():
                entries = list(shelf.iterdir()) if shelf.is_dir() else []
            yield from entries

    def _make(self, shelf: Path) -> None:
        """Both levels, and their names on disk."""
        for folder in (self._folder, shelf):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_folder(folder.parent)

    def _path(self, blob: UUID) -> Path:
        name = name_of(blob)
        return self._folder / name[-2:] / name


@contextmanager
def _disk() -> Iterator[None]:
    """A disk that fails or is full is a reason to wait; a file that is not there is for the caller to judge."""
    try:
        yield
    except (FileNotFoundError, BlobsUnavailable):
        raise
    except OSError as error:
        raise BlobsUnavailable(
            f"The blob folder does not work ({os.strerror(error.errno or 0)}). Mend the disk that LETTERLOCK_BLOB_URL "
            "names; mail waits until then."
        ) from None
