"""A message's table of contents: what to show and where each part is, sealed as one small CBOR document (RFC 8949)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import cbor2

from portal.mime.addresses import Mailbox
from portal.mime.calendars import Event, Rule
from portal.vault.errors import SealBroken

BODY_INLINE_BYTES = 256 * 1024
"""Bodies up to this size lie in the table itself; longer ones are streams of their own."""
INNER_INLINE_BYTES = 8 * 1024
"""The same for each body of a message inside, of which there may be many."""
T = TypeVar("T")
_LATER = ("protections", "cards", "inner", "voucher", "pictures", "scanned_at")


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
class Voucher:
    """Who vouched for the sender when the mail was taken, and where that is not the organisation itself its domain.

    `kind` is `own` (the organisation's mail server), `server` (another one, which may send as `domain`), `signature`
    (DKIM), `program` (one with a token), `confirmed` (written here by a reader who had confirmed their address),
    `nobody` (it claims to be from inside, and nothing vouches for that) or "" (not known).
    """

    kind: str = ""
    domain: str = ""

    def __bool__(self) -> bool:
        return bool(self.kind)

    def __repr__(self) -> str:
        return f"Voucher({self.kind})"


@dataclass(frozen=True)
class Card:
    """An event, read from the file of that number."""

    file: int
    event: Event


@dataclass(frozen=True)
class Inner:
    """A message inside, by its number from 1; read from the file numbered `of`. Of its sender only the name may be
    known. Its HTML is cleaned; its files are numbered on from those of the message around it."""

    number: int
    of: int
    subject: str
    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    sent_at: datetime | None
    text: Body
    html: Body
    files: tuple[File, ...]
    remote_pictures: int = 0
    removed: bool = False
    protections: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Inner({self.number}, {len(self.files)} files)"


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
    protections: tuple[str, ...] = ()
    """What the mail says of itself (portal.mime.reading.Letter), not checked."""
    cards: tuple[Card, ...] = ()
    inner: tuple[Inner, ...] = ()
    voucher: Voucher = Voucher()
    pictures: tuple[str, ...] = ()
    """Addresses of the pictures of the internet that the HTML body marks, number 1 first (portal.mime.cleaning)."""
    scanned_at: datetime | None = None
    """When a virus scanner found nothing in it; None when none was asked."""

    def __repr__(self) -> str:
        return f"Toc({len(self.files)} files)"

    def every_file(self) -> tuple[File, ...]:
        """The files of the message and of all messages inside it."""
        return sum((inner.files for inner in self.inner), self.files)

    def holding(self, number: int) -> Inner | None:
        """The message inside among whose files the one of that number is; None for the mail's own, and for none."""
        return next((inner for inner in self.inner if any(file.number == number for file in inner.files)), None)

    def bodies(self) -> tuple[Body, ...]:
        """The bodies of the message and of all messages inside it."""
        return sum(((inner.text, inner.html) for inner in self.inner), (self.text, self.html))

    def encode(self) -> bytes:
        """The stream's plaintext before padding: u32 length, then CBOR."""
        # What came later is written where there is some, so that all else stays as it was.
        held = {name: _plain(value) for name, value in vars(self).items() if name not in _LATER or value}
        document = cbor2.dumps(held, canonical=True)
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
                text=_made(Body, found["text"]),
                html=_made(Body, found["html"]),
                files=_files(found["files"]),
                voucher=_voucher(found.get("voucher", {})),
                pictures=tuple(map(str, found.get("pictures", ()))),
                protections=tuple(found.get("protections", ())),
                cards=tuple(Card(card["file"], _event(card["event"])) for card in found.get("cards", ())),
                inner=tuple(map(_inner, found.get("inner", ()))),
            )
        except (struct.error, KeyError, TypeError, ValueError, AttributeError, cbor2.CBORDecodeError):
            raise SealBroken from None


"""Left out while they say nothing, as in tables from before."""


_AS_THEY_ARE = (str, int, bytes, datetime, type(None))


def _plain(value: Any) -> Any:
    if isinstance(value, _AS_THEY_ARE):
        return value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mailbox):
        return [value.name, value.address]
    if is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def _voucher(found: Mapping[str, Any]) -> Voucher:
    return Voucher(str(found.get("kind", "")), str(found.get("domain", "")))


def _made(kind: type[T], found: Mapping[str, Any], **changes: Any) -> T:
    """A value of ours from its map; what a later version added is passed over."""
    return kind(**{f.name: found[f.name] for f in fields(kind) if f.name in found} | changes)  # type: ignore[arg-type]


def _files(found: Sequence[Mapping[str, Any]]) -> tuple[File, ...]:
    return tuple(_made(File, file) for file in found)


def _event(found: Mapping[str, Any]) -> Event:
    rule = found["rule"]
    return _made(Event, found, rule=_made(Rule, rule, days=tuple(rule["days"])) if rule else None)


def _inner(found: Mapping[str, Any]) -> Inner:
    return _made(
        Inner,
        found,
        sender=_mailbox(found["sender"]),
        to=tuple(map(_mailbox, found["to"])),
        cc=tuple(map(_mailbox, found["cc"])),
        text=_made(Body, found["text"]),
        html=_made(Body, found["html"]),
        files=_files(found["files"]),
        protections=tuple(found["protections"]),
    )


def _mailbox(found: Any) -> Mailbox:
    name, address = found
    return Mailbox(str(name), str(address))
