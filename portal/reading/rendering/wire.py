"""What the portal asks of the sandbox and what comes back, as bytes: u32 length, JSON, and the payload behind it.

The portal believes nothing that comes back: a file may have taken the sandbox over.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, field
from typing import Any

HEAD_BYTES = 2 * 1024 * 1024
"""Of JSON, at most: a page's text is in it."""
DATA_BYTES = 64 * 1024 * 1024
"""Of payload, at most: a picture, or the PDF that an office file became."""
PICTURE = b"RIFF"
"""How a picture that comes back begins; it is always WebP."""
OK, FAILED, PASSWORD, LARGE = "ok", "failed", "password", "large"
STATES = (OK, FAILED, PASSWORD, LARGE)
PAGES, SHOWN, TEXT, PDF, INLINE, WORDS = "pages", "picture", "text", "pdf", "inline", "words"
"""What can be wanted: how many pages, one as a picture, its text, the whole as PDF (of office files alone), a picture
as it stands in a text, or the words of all pages (as payload, in UTF-8)."""
MORE = "more"
"""The answer's text when there are more words than are given."""


class Garbled(Exception):
    """The bytes are no question and no answer."""


@dataclass(frozen=True)
class Asked:
    """`kind` is one of portal.reading.previews.KINDS; `mark` is drawn into the picture; `suffix` is of office files."""

    kind: str
    want: str
    page: int = 1
    mark: str = ""
    suffix: str = ""

    def __repr__(self) -> str:
        return f"Asked({self.kind}, {self.want}, page {self.page})"

    def encode(self) -> bytes:
        """What stands before the file's bytes."""
        return _framed(asdict(self))

    @classmethod
    def decode(cls, given: bytes) -> tuple[Asked, bytes]:
        """The question, and the file behind it. Garbled."""
        head, data = _parted(given)
        return cls(**head), data


@dataclass(frozen=True)
class Answer:
    """`rows` are of a table, `text` is of everything else; of both only what one page holds."""

    state: str
    pages: int = 0
    text: str = field(default="", repr=False)
    rows: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    data: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        head = asdict(self)
        del head["data"]
        return _framed(head) + self.data

    @classmethod
    def decode(cls, given: bytes) -> Answer:
        """Garbled unless every part has the type and the size that it may have."""
        head, data = _parted(given)
        state, pages, text, rows = head.get("state"), head.get("pages"), head.get("text"), head.get("rows")
        if state not in STATES or type(pages) is not int or not 0 <= pages < 10**9:
            raise Garbled
        if not isinstance(text, str) or not isinstance(rows, list) or len(data) > DATA_BYTES:
            raise Garbled
        if not all(isinstance(row, list) and all(isinstance(cell, str) for cell in row) for row in rows):
            raise Garbled
        return cls(state, pages, text, tuple(map(tuple, rows)), data)


def _framed(head: dict[str, Any]) -> bytes:
    written = json.dumps(head).encode()
    return struct.pack(">I", len(written)) + written


def _parted(given: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        (length,) = struct.unpack_from(">I", given)
        head = json.loads(given[4 : 4 + length]) if length <= HEAD_BYTES else None
    except (struct.error, ValueError, RecursionError):
        raise Garbled from None
    if not isinstance(head, dict):
        raise Garbled
    return head, given[4 + length :]
