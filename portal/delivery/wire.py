"""The bytes of DATA as they go over the wire (RFC 5321 sections 2.3.8 and 4.5.2), in constant memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

PIECE = 64 * 1024
_LINE_ENDS = re.compile(rb"\r\n|\r|\n")


def pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces near 64 KiB: few system calls for many small chunks."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE):
            part = chunk[start : start + PIECE]
            held.append(part)
            size += len(part)
            if size >= PIECE:
                yield b"".join(held)
                held, size = [], 0
    if held:
        yield b"".join(held)


def dotted(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The mail with its line ends made CRLF, its leading dots doubled, and the end mark behind it.

    A bare CR or LF never passes: a relay that takes one for a line end would read `LF . LF` as the end of this mail
    and what follows as another one (SMTP smuggling).
    """
    carried, line_start = b"", True
    for chunk in pieces(chunks):
        text = carried + chunk
        # A CR at the end may be half of a CRLF, which the next piece completes.
        carried = b"\r" if text.endswith(b"\r") else b""
        text = _crlf(text[: len(text) - len(carried)])
        if text:
            yield _double(text, line_start)
            line_start = text.endswith(b"\r\n")
    yield b".\r\n" if line_start and not carried else b"\r\n.\r\n"


def _crlf(text: bytes) -> bytes:
    proper = text.count(b"\r\n")
    if proper == text.count(b"\n") == text.count(b"\r"):
        return text
    return _LINE_ENDS.sub(b"\r\n", text)


def _double(text: bytes, line_start: bool) -> bytes:
    doubled = text.replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if line_start and text.startswith(b".") else doubled
