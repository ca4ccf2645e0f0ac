"""Uploaded files, sealed chunk by chunk as they arrive: nothing reaches the disk in clear (P2).

The key of an upload lives in the memory of its request, and its file has no name: however the request or the process
ends, nothing of it is left.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload

from portal.reading import actions
from portal.vault.stream import Context, Opener, Sealer
from portal.writing import known

REPLY_FILES_BYTES = 50_000_000
"""All files of an answer together."""
REPLY_FILES = 25
FIRST = ("write-to", "write-to-department")
"""Of the pages that anyone may write on, where the brand has that switched on."""
LOGO = "brand-logo"
"""Where an administrator gives a brand's logo."""
DIRECTORY = "directory-import"
"""Where an administrator gives a file of people and groups."""
RULES = ("rules-import", "rules-test-file")
"""Where one gives rules as a file, and a mail to try them on."""
WELCOME = (*actions.PATHS.values(), *FIRST, "demo", LOGO, DIRECTORY, *RULES)
"""Names of the addresses that take files. Whatever is posted elsewhere, by anyone, is read and thrown away."""


if TYPE_CHECKING:
    Upload = UploadedFile[bytes]
else:
    Upload = UploadedFile


class Nameless:
    """A file that no folder lists: it is gone when nobody holds it any more (open(2), O_TMPFILE)."""

    def __init__(self) -> None:
        folder = settings.LETTERLOCK.data / "uploads"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 it lives as long as its upload
        self.size = 0

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self.size += len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, offset)

    def close(self) -> None:
        self._file.close()


class SealedUpload(Upload):
    """An uploaded file, sealed under a key that only this object has; `refused` when all together are too large."""

    def __init__(
        self, sealed: Nameless, key: bytes, id_: UUID, name: str, content_type: str, size: int, refused: bool
    ) -> None:
        super().__init__(file=BytesIO(), name=name, content_type=content_type, size=size)
        self._sealed, self._key, self._id = sealed, key, id_
        self.refused = refused

    def __repr__(self) -> str:
        return f"SealedUpload({self.size} bytes)"

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The file's bytes in clear, in pieces."""
        yield from Opener(self._sealed, self._key, Context(self._id, "upload")).chunks(0, self.size or 0)

    def close(self) -> None:
        """Django closes uploads at the end of their request; the sealed bytes go then."""
        super().close()
        self._sealed.close()


class SealedUploadHandler(FileUploadHandler):
    """The only upload handler. What goes over the limit is read and thrown away, so that the page can say so."""

    chunk_size = 64 * 1024

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._total = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if not welcome(self.request):
            raise SkipFile
        self._id, self._key, self._refused = uuid4(), os.urandom(32), False
        self._sealed = Nameless()
        self._sealer = Sealer(self._key, Context(self._id, "upload"))
        self._sealed.write(self._sealer.header)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._total += len(raw_data)
        if self._total > 4 * REPLY_FILES_BYTES:
            raise StopUpload(connection_reset=True)
        self._refused = self._refused or self._total > REPLY_FILES_BYTES
        if not self._refused:
            self._sealed.write(self._sealer.update(raw_data))

    def file_complete(self, file_size: int) -> SealedUpload:
        self._sealed.write(self._sealer.finish())
        name, content_type = self.file_name or "", self.content_type or ""
        return SealedUpload(self._sealed, self._key, self._id, name, content_type, file_size, self._refused)


def welcome(request: Any) -> bool:
    """Whether whoever sends this may leave a file: a reader who writes, their session over or not, anyone who writes to
    the organisation, an administrator with a logo, or anyone in the demo."""
    match = getattr(request, "resolver_match", None)
    if match is None or match.url_name not in WELCOME:
        return False
    if match.url_name in (LOGO, DIRECTORY, *RULES):
        return getattr(request, "office_person", None) is not None
    if match.url_name in FIRST:
        return bool(request.brand.write_to)
    if (
        match.url_name == "demo"
        or getattr(request, "person", None) is not None
        or getattr(request, "session_ended", "")
    ):
        return True
    return known.reader_of(request, match.kwargs.get("link", ""), request.brand) is not None
