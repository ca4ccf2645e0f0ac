"""A message's table of contents: what to show and where each part is, sealed as one small CBOR document (RFC 8949)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import cbor2

from portal.mime.addresses import Mailbox
from portal.vault.errors import SealBroken

BODY_INLINE_BYTES = 256 * 1024
"""Bodies up to this size lie in the table itself; longer ones are streams of their own."""


@dataclass(frozen=True)
class File:
    """One decoded part. `stream` names its sealed stream; `size` is its true length in bytes."""

    number: int
    name: str
    content_type: str
    size: int
    stream: str
    sha256: bytes
    inline: bool = False
    content_id: str = ""

    def __repr__(self) -> str:
        return f"File({self.number}, {self.size} bytes)"


@dataclass(frozen=True)
class Body:
    """A text or HTML body: here, or in the stream named, whose first `size` bytes are it; never both."""

    here: str = ""
    stream: str = ""
    size: int = 0

    def __bool__(self) -> bool:
        return bool(self.here or self.stream)

    def __repr__(self) -> str:
        return f"Body({self.size} bytes)"


@dataclass(frozen=True)
class Toc:
    """What the reading room shows. HTML is cleaned already, by the cleaner of `cleaner_version`."""

    subject: str
    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    sent_at: datetime
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    text: Body
    html: Body
    files: tuple[File, ...]
    original_size: int
    cleaner_version: int = 0
    remote_pictures: int = 0
    removed: bool = False
    readable: bool = True
    scanned_at: datetime | None = None
    """When a virus scanner found nothing in it; None when none was asked."""

    def __repr__(self) -> str:
        return f"Toc({len(self.files)} files)"

    def encode(self) -> bytes:
        """The stream's plaintext before padding: u32 length, then CBOR."""
        document = cbor2.dumps(
            {
                f.name: _plain(getattr(self, f.name))
                for f in fields(self)
                if f.name not in _LATER or getattr(self, f.name)
            },
            canonical=True,
        )
        return struct.pack(">I", len(document)) + document

    @classmethod
    def decode(cls, plaintext: bytes) -> Toc:
        """Read `encode`'s bytes, padding behind them ignored; SealBroken when they are no table of contents."""
        try:
            (length,) = struct.unpack_from(">I", plaintext)
            found: Mapping[str, Any] = cbor2.loads(plaintext[4 : 4 + length])
            known = {f.name: found[f.name] for f in fields(cls) if f.name in found}
            return replace(
                cls(**known),
                sender=_mailbox(found["sender"]),
                to=tuple(map(_mailbox, found["to"])),
                cc=tuple(map(_mailbox, found["cc"])),
                references=tuple(found["references"]),
                text=Body(**found["text"]),
                html=Body(**found["html"]),
                files=tuple(File(**file) for file in found["files"]),
            )
        except (struct.error, KeyError, TypeError, ValueError, cbor2.CBORDecodeError):
            raise SealBroken from None


_LATER = ("scanned_at",)
"""Left out while they say nothing, as in tables from before."""


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mailbox):
        return [value.name, value.address]
    if isinstance(value, Body | File):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    return value


def _mailbox(found: Any) -> Mailbox:
    name, address = found
    return Mailbox(str(name), str(address))
