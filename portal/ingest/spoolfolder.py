"""The folder of spool files: where each lies, what makes it durable, and what is swept out of it.

Where the spool is a bucket, mail that is too large for memory is written here, sealed, before it is uploaded.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from django.conf import settings

from portal.ingest.models import Spooled
from portal.ingest.spares import PART, Spares
from portal.ingest.states import FINAL
from portal.keys.disk import sync_folder

ORPHAN_SECONDS = 3600
_MARKED = 0o400
"""The mode of a file whose mail has a row: one system call a mail, beside the fsyncs that it costs anyway."""

_SYNC_FILE_RANGE = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)
if _SYNC_FILE_RANGE is not None:
    _SYNC_FILE_RANGE.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
_WRITE = 2  # SYNC_FILE_RANGE_WRITE
_UNABLE = frozenset({errno.ENOSYS, errno.EINVAL, errno.ESPIPE, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES})
"""What says that a system, file system or sandbox does not do this; the fsync that follows writes all the same."""


def folder() -> Path:
    """The spool folder, made when it is not there."""
    return _made(settings.LETTERLOCK.spool_url, settings.LETTERLOCK.data)


@lru_cache(maxsize=4)
def _made(url: str, data: Path) -> Path:
    named = url.removeprefix("file://")
    path = data / "spool" if named == url else Path(named)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_folder(path.parent)
    return path


def spares() -> Spares:
    """The emptied files of the spool folder."""
    return _spares(folder())


@lru_cache(maxsize=4)
def _spares(place: Path) -> Spares:
    return Spares(place)


class SpoolFile:
    """A spool file, read at any place; closes itself when it is forgotten. FileNotFoundError when there is none."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, offset)


def remove(id_: UUID) -> None:
    """Take a file away. Safe to do twice."""
    spares().remove(folder() / str(id_))


def begin_writing(descriptor: int) -> None:
    """Tell the kernel to write a file's bytes now: the disk is busy with all files of a batch before one is waited for
    (sync_file_range(2)). It promises nothing; fsync does.

    Raises OSError where that failed: a fault that was told here is not always told again by fsync.
    """
    if _SYNC_FILE_RANGE is not None and _SYNC_FILE_RANGE(descriptor, 0, 0, _WRITE) < 0:
        number = ctypes.get_errno()
        if number not in _UNABLE:
            raise OSError(number, os.strerror(number))


def mark(path: Path) -> None:
    """Note that a file's mail has a row; nothing happens when the file is gone, its mail being over already."""
    with suppress(OSError):
        path.chmod(_MARKED)


def sweep_orphans() -> tuple[int, list[UUID]]:
    """Remove files older than an hour that were never answered 250 (leftovers of crashes) or whose row is in a final
    state. Returns how many, and the mails that were answered and have no row; their files stay."""
    spares().sweep()
    before = time.time() - ORPHAN_SECONDS
    old = {path: id_ for path in folder().iterdir() if (id_ := _id_of(path)) and _modified(path) < before}
    removed, unknown = 0, []
    for path, id_ in old.items():
        # A commit holds this lock from the file's name to its row. Without it, a clock that jumps ahead could make a
        # file look old in just that moment, and its row would lose it.
        with _sweeping():
            if _modified(path) >= before:
                continue
            state = Spooled.objects.filter(pk=id_).values_list("state", flat=True).first()
            if not path.suffix and state is None and _is_marked(path):
                unknown.append(id_)
            elif path.suffix or state is None or state in FINAL:
                path.unlink(missing_ok=True)
                removed += 1
    return removed, unknown


def _is_marked(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == _MARKED


def _id_of(path: Path) -> UUID | None:
    try:
        return UUID(path.stem) if path.suffix in ("", PART) else None
    except ValueError:
        return None


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


@contextmanager
def sweeping_stopped() -> Iterator[None]:
    """While a file has its name and not yet its row."""
    with _locked(fcntl.LOCK_SH):
        yield


@contextmanager
def _sweeping() -> Iterator[None]:
    with _locked(fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(how: int) -> Iterator[None]:
    descriptor = os.open(folder() / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
