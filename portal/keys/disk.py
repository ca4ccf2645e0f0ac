"""Files that are on disk when a call returns, or off it as far as the disk allows."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_ZEROS = bytes(1 << 20)


def write_durably(path: Path, content: bytes, mode: int = 0o600) -> None:
    """A new file, its bytes on disk; its name is too after `sync_folder`. FileExistsError when it is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make names that were added, changed or removed in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def erase(path: Path) -> None:
    """Overwrite a file with zeros, then remove it. Flash and copying file systems may keep old blocks all the same."""
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            missing = os.fstat(descriptor).st_size
            while missing > 0:
                missing -= os.write(descriptor, _ZEROS[:missing])
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.unlink()
