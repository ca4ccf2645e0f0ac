"""All files of a message as one ZIP, written while it is sent, under names that every system takes."""

from __future__ import annotations

import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from portal.mime.names import safe_file_name

LARGEST_ANNOUNCED = 2_000_000_000
"""Bytes of files up to which a ZIP's length is known before: beyond it ZIP64 fields come in (APPNOTE.TXT 4.5.3)."""
_YEARS = (1980, 2107)  # what a ZIP's date can say (APPNOTE.TXT 4.4.6)


@dataclass(frozen=True)
class Member:
    """One file of a ZIP. `chunks` gives its `size` bytes, and is called when they are needed."""

    name: str
    size: int
    chunks: Callable[[], Iterator[bytes]]


def stream(members: Iterable[Member], at: datetime) -> Iterator[bytes]:
    """The ZIP in pieces of about a chunk, in constant memory. Stored, not compressed: files of mail mostly are
    compressed already, and the length is known before.

    The checksum of a file follows its bytes (APPNOTE.TXT 4.3.9), for nothing is read twice. What `chunks` raises
    passes through, and the ZIP then has no table of contents: every program sees that it is not whole.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for member in members:
            with archive.open(_entry(member, at), "w") as entry:
                for chunk in member.chunks():
                    entry.write(chunk)
                    yield sink.taken()
            yield sink.taken()
    yield sink.taken()


def length(members: Sequence[Member], at: datetime) -> int | None:
    """How many bytes `stream` gives; None where that is not known before."""
    content = sum(member.size for member in members)
    if content > LARGEST_ANNOUNCED:
        return None
    empty = [replace(member, size=0, chunks=lambda: iter(())) for member in members]
    return content + sum(map(len, stream(empty, at)))


def unique(names: Iterable[tuple[str, str]]) -> list[str]:
    """A name for each (name, content type): safe on any disk, and no two alike, also where a disk takes capitals and
    small letters, or both ways of writing an accent, for the same (Windows, macOS)."""
    taken: set[str] = set()
    seen: Counter[str] = Counter()
    found = []
    for name, content_type in names:
        chosen = safe_file_name(name, content_type)
        stem, dot, suffix = chosen.rpartition(".") if "." in chosen else (chosen, "", "")
        first = _alike(chosen)
        while _alike(chosen) in taken:
            seen[first] += 1
            chosen = f"{stem} ({seen[first] + 1}){dot}{suffix}"
        taken.add(_alike(chosen))
        found.append(chosen)
    return found


def _alike(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _entry(member: Member, at: datetime) -> zipfile.ZipInfo:
    year = min(max(at.year, _YEARS[0]), _YEARS[1])
    entry = zipfile.ZipInfo(member.name, (year, at.month, at.day, at.hour, at.minute, at.second))
    entry.file_size = member.size  # ZIP64 for this file where it needs it
    return entry


class _Sink:
    """Where the ZIP is written to: what was not taken yet. It cannot seek, so that nothing written is changed later."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """What waits is still to be taken."""

    def taken(self) -> bytes:
        data = b"".join(self._waiting)
        self._waiting.clear()
        return data
