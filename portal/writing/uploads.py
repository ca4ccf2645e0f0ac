"""Uploaded files, sealed chunk by chunk as they arrive: nothing reaches the disk in clear (P2).

The key of an upload lives in the memory of its request; when the request ends, the file goes and the key with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

from portal.vault.stream import Context, FileSource, Opener, Sealer

REPLY_FILES_BYTES = 50_000_000
"""All files of an answer together (ux.md, section 10)."""
REPLY_FILES = 25


if TYPE_CHECKING:
    Upload = UploadedFile[bytes]
else:
    Upload = UploadedFile


class SealedUpload(Upload):
    """An uploaded file, sealed under a key that only this object has; `refused` when all together are too large."""

    def __init__(
        self, path: Path, key: bytes, id_: UUID, name: str, content_type: str, size: int, refused: bool
    ) -> None:
        super().__init__(file=BytesIO(), name=name, content_type=content_type, size=size)
        self._path, self._key, self._id = path, key, id_
        self.refused = refused

    def __repr__(self) -> str:
        return f"SealedUpload({self.size} bytes)"

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The file's bytes in clear, in pieces."""
        with FileSource(self._path) as source:
            yield from Opener(source, self._key, Context(self._id, "upload")).chunks(0, self.size or 0)

    def close(self) -> None:
        """Django closes uploads at the end of their request; the sealed bytes go then."""
        super().close()
        self._path.unlink(missing_ok=True)


class SealedUploadHandler(FileUploadHandler):
    """The only upload handler. What goes over the limit is read and thrown away, so that the page can say so."""

    chunk_size = 64 * 1024
    _out: BinaryIO | None = None

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._total = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._id, self._key, self._refused = uuid4(), os.urandom(32), False
        folder = settings.LETTERLOCK.data / "uploads"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / self._id.hex
        self._out = self._path.open("wb")
        self._sealer = Sealer(self._key, Context(self._id, "upload"))
        self._out.write(self._sealer.header)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._total += len(raw_data)
        if self._total > 4 * REPLY_FILES_BYTES:
            raise StopUpload(connection_reset=True)
        self._refused = self._refused or self._total > REPLY_FILES_BYTES
        if self._out and not self._refused:
            self._out.write(self._sealer.update(raw_data))

    def file_complete(self, file_size: int) -> SealedUpload:
        if self._out is not None:
            self._out.write(self._sealer.finish())
            self._out.close()
        return SealedUpload(
            self._path, self._key, self._id, self.file_name or "", self.content_type or "", file_size, self._refused
        )

    def upload_interrupted(self) -> None:
        if self._out is not None:
            self._out.close()
            self._path.unlink(missing_ok=True)
