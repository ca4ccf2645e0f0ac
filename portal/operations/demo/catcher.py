"""The mail catcher: reads the outbox that stands for the outside world, mailbox by mailbox."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from django.conf import settings

from portal.delivery.outbox import SUFFIX
from portal.mime.addresses import normalise
from portal.mime.errors import BadAddress
from portal.mime.reading import Letter, Part, read

SHOWN = 500
"""Newest mails that are looked at; the outbox of a demo has some dozens."""
_HEAD_BYTES = 16 * 1024
_INLINE_BYTES = 2 * 1024 * 1024
_NAME = re.compile(r"[0-9a-f-]{36}")
_CID = re.compile(r"""(["'(]\s*)cid:([^"')\s>]{1,200})""", re.IGNORECASE)
_HEAD_TAG = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_HTML_TAG = re.compile(r"<html\b[^>]*>", re.IGNORECASE)
_NEW_TAB = '<base target="_blank">'
_PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}


@dataclass(frozen=True, repr=False)
class Caught:
    """A mail in the outbox, as a list shows it."""

    id: str
    box: str
    address: str
    sender: str
    subject: str
    kind: str
    """Its X-Letterlock header: "notice", "passcode", "reply", or "" for mail passed on as it came."""
    at: datetime


@dataclass(frozen=True, repr=False)
class Mailbox:
    """Everything that went to one address, newest first."""

    box: str
    address: str
    inside: bool
    mails: tuple[Caught, ...]


def mailboxes() -> list[Mailbox]:
    """All mailboxes; those outside first, then those of the organisation's own people, each with new mail on top."""
    found: dict[str, list[Caught]] = {}
    for path in _newest(SHOWN):
        caught = _head(path)
        if caught is not None:
            found.setdefault(caught.box, []).append(caught)
    boxes = [Mailbox(box, mails[0].address, _is_inside(mails[0].address), tuple(mails)) for box, mails in found.items()]
    return sorted(boxes, key=lambda box: (box.inside, -box.mails[0].at.timestamp()))


def box_of(address: str) -> str:
    """The name a mailbox has in addresses of pages, which hold no mail address."""
    try:
        address = normalise(address)
    except BadAddress:
        address = address.strip().lower()
    return hashlib.sha256(address.encode()).hexdigest()[:12]


def find(id_: str) -> tuple[Caught, bytes] | None:
    """A mail and its bytes."""
    if not _NAME.fullmatch(id_):
        return None
    for path in _files():
        if path.name.startswith(id_ + SUFFIX):
            caught = _head(path)
            return (caught, path.read_bytes()) if caught else None
    return None


def html_page(letter: Letter) -> str:
    """A mail's HTML as a document for a frame: its own pictures inside it, links in a new tab. "" when it has none."""
    if not letter.html:
        return ""
    html = _CID.sub(lambda found: found[1] + _picture(letter.parts, found[2]), letter.html)
    for tag in (_HEAD_TAG, _HTML_TAG):
        found = tag.search(html)
        if found:
            return html[: found.end()] + _NEW_TAB + html[found.end() :]
    return _NEW_TAB + html


def words(letter: Letter) -> str:
    """A mail's text, with the names of its files under it."""
    files = "".join(f"\n[{part.name}, {len(part.data):,} bytes]" for part in letter.parts if not part.inline)
    return (letter.text or "").rstrip() + ("\n" + files if files else "")


def occurs(raw: bytes, letter: Letter, sought: str) -> bool:
    """Whether words occur anywhere in a mail: in its bytes as they are, or decoded."""
    needle = " ".join(sought.split()).casefold()
    decoded = [letter.subject, letter.text or "", letter.html or "", *(part.name for part in letter.parts)]
    places: Iterable[str] = (
        raw.decode("utf-8", "replace"),
        *decoded,
        *(p.data.decode("utf-8", "replace") for p in letter.parts),
    )
    return any(needle in " ".join(place.split()).casefold() for place in places)


def _files() -> Iterator[Path]:
    for folder in ("new", "cur"):
        yield from (settings.LETTERLOCK.outbox / folder).glob(f"*{SUFFIX}*")


def _newest(limit: int) -> list[Path]:
    return sorted(_files(), key=_modified, reverse=True)[:limit]


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _head(path: Path) -> Caught | None:
    """What a list needs of a mail; None when it is gone by now."""
    try:
        with path.open("rb") as file:
            start = file.read(_HEAD_BYTES)
    except OSError:
        return None
    letter = read(start.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    fields: Mapping[str, str] = {name.lower(): value for name, value in reversed(letter.headers)}
    address = fields.get("delivered-to", "")
    return Caught(
        id=path.name.partition(SUFFIX)[0],
        box=box_of(address),
        address=address,
        sender=(letter.sender.name or letter.sender.address) if letter.sender else "",
        subject=letter.subject,
        kind=fields.get("x-letterlock", ""),
        at=datetime.fromtimestamp(_modified(path), UTC),
    )


def _is_inside(address: str) -> bool:
    return address.rpartition("@")[2].lower() in settings.LETTERLOCK.inside_domains


def _picture(parts: tuple[Part, ...], content_id: str) -> str:
    wanted = unquote(content_id)
    for part in parts:
        if part.content_id == wanted and part.content_type in _PICTURES and len(part.data) <= _INLINE_BYTES:
            return f"data:{part.content_type};base64,{base64.b64encode(part.data).decode()}"
    return "about:blank"
