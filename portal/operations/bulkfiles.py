"""`manage.py ingest --bulk`: a bulk run from a file, a folder or standard input, with a bar and a list of failures."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from portal.ingest import archive, bulk, lines, progress
from portal.ingest.data import LineEnds
from portal.ingest.intake import Named
from portal.ingest.models import Run
from portal.operations.errors import SourceRefused
from portal.operations.terminal import Terminal

OWNER = "command"
_CHUNK = 256 * 1024
_ZIP = b"PK\x03\x04"
_PAGE = 1000


def take_in(source: str, key: str | None, terminal: Terminal, complaints: Terminal) -> int:
    """Take in what is not taken yet; returns how many mails were refused, each said with its place and reason.

    Raises SourceRefused, and what portal.ingest.bulk raises: the same command again goes on where this one ended.
    """
    try:
        run = _run(source, key, terminal)
    except OSError as error:
        raise SourceRefused(f"{error.filename or source} cannot be read ({error.strerror}).") from None
    after = 0
    while page := progress.refused(run, _PAGE, after):
        for item in page:
            complaints.say(f"{item.name or f'line {item.number}'}: {item.reason}")
        after = page[-1].number
    terminal.say(f"Run {run.pk}: {run.accepted:,} mails taken, {run.refused:,} refused.")
    return run.refused


def _run(source: str, key: str | None, terminal: Terminal) -> Run:
    if source == "-":
        if key is None:
            raise SourceRefused("Standard input is read only once, so name its key: --key TEXT.")
        return _fed(key, sys.stdin.buffer, 0, terminal)
    path = Path(source)
    if path.is_dir():
        return _folder(path, key, terminal)
    with path.open("rb", buffering=0) as file:
        if key is None:
            key = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
        return _fed(key, file, path.stat().st_size, terminal)


def _fed(key: str, file: BinaryIO, size: int, terminal: Terminal) -> Run:
    """NDJSON or a zip archive, as its first bytes say; the bar counts bytes."""
    with terminal.bar("Taking in, bytes", size) as bar:
        first = file.read(_CHUNK)
        read: Callable[[Iterable[bytes]], Iterator[bulk.Offered]]
        read = archive.members if first.startswith(_ZIP) else lines.lines
        return bulk.feed(bulk.begin(OWNER, key), read(_counted(first, file, bar.step)))


def _counted(first: bytes, file: BinaryIO, step: Callable[[int], None]) -> Iterator[bytes]:
    chunk = first
    while chunk:
        yield chunk
        step(len(chunk))
        chunk = file.read(_CHUNK)


def _folder(folder: Path, key: str | None, terminal: Terminal) -> Run:
    """Every .eml below a folder, by name; the bar counts files."""
    paths = sorted(path for path in folder.rglob("*.eml") if path.is_file())
    if not paths:
        raise SourceRefused(f"{folder} holds no file that ends in .eml.")
    files = [EmlFile(number, path, str(path.relative_to(folder))) for number, path in enumerate(paths, start=1)]
    if key is None:
        whole = hashlib.sha256()
        for file in files:
            whole.update(file.finish())
        key = whole.hexdigest()
    with terminal.bar("Taking in, files", len(files)) as bar:

        def counted() -> Iterator[EmlFile]:
            for file in files:
                yield file
                bar.step()

        return bulk.feed(bulk.begin(OWNER, key), counted())


class EmlFile:
    """One file of a folder."""

    def __init__(self, number: int, path: Path, name: str) -> None:
        self.number, self.name = number, name
        self.size = path.stat().st_size
        self._path = path

    def __repr__(self) -> str:
        return f"EmlFile({self.number})"

    def mail(self) -> tuple[Named, Iterable[bytes]]:
        return Named("command"), self._lines()

    def finish(self) -> bytes:
        """Digest of name and content."""
        digest = hashlib.sha256(self.name.encode("utf-8", "replace") + b"\0")
        with self._path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.digest()

    def _lines(self) -> Iterator[bytes]:
        line_ends = LineEnds()
        with self._path.open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                yield line_ends.feed(chunk)
        yield line_ends.finish()
