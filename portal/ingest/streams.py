"""The named streams of a message, and its table of contents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from portal.mime import inside as found_inside
from portal.mime.addresses import Mailbox, clean_name
from portal.mime.cleaning import CLEANER_VERSION, Cleaned, clean
from portal.mime.reading import SVG, Letter, Part
from portal.vault.toc import BODY_INLINE_BYTES, INNER_INLINE_BYTES, Body, Card, File, Inner, Toc

MOST_SHOWN = 500
"""Addresses kept of each list of a message inside; the whole of it is a file."""


def contents(
    letter: Letter,
    raw: bytes,
    *,
    subject: str,
    sender: Mailbox,
    sent_at: datetime,
    scanned_at: datetime | None = None,
) -> tuple[dict[str, bytes], Toc]:
    """The named streams of a message but the table of contents, and that table."""
    streams = {"original": raw}
    files = _files(streams, letter)
    cleaned = _cleaned(letter)
    inside = found_inside.look(letter)
    toc = Toc(
        subject=subject,
        sender=sender,
        to=letter.to,
        cc=letter.cc,
        sent_at=sent_at,
        message_id=letter.message_id,
        in_reply_to=letter.in_reply_to,
        references=letter.references,
        text=_body(streams, "body/text", letter.text or ""),
        html=_body(streams, "body/html", cleaned.html),
        files=files,
        original_size=len(raw),
        cleaner_version=CLEANER_VERSION,
        remote_pictures=cleaned.remote_pictures,
        pictures=cleaned.pictures,
        removed=cleaned.removed,
        readable=letter.readable,
        protections=letter.protections,
        cards=tuple(Card(number, event) for number, event in inside.events),
        inner=tuple(_inner(streams, inner) for inner in inside.messages),
        scanned_at=scanned_at,
    )
    return streams, toc


def _shown_within(parts: Sequence[Part]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Where the pages have the pictures that the HTML names by Content-ID, and by Content-Location; of two with one
    name the first. SVG is a document that can run, and is a file only."""
    named: dict[str, str] = {}
    located: dict[str, str] = {}
    for part in parts:
        if part.content_type == SVG:
            continue
        if part.content_id:
            named.setdefault(part.content_id, f"inline/{part.number}")
        if part.location and part.inline:
            located.setdefault(part.location, f"inline/{part.number}")
    return named, located


def _files(streams: dict[str, bytes], letter: Letter) -> tuple[File, ...]:
    files = []
    for part in letter.parts:
        stream = f"part/{part.number}"
        streams[stream] = part.data
        digest = hashlib.sha256(part.data).digest()
        size = len(part.data)
        files.append(
            File(part.number, part.name, part.content_type, size, stream, digest, part.inline, part.content_id)
        )
    return tuple(files)


def _cleaned(letter: Letter) -> Cleaned:
    return clean(letter.html, *_shown_within(letter.parts)) if letter.html else Cleaned("", 0, False)


def _inner(streams: dict[str, bytes], inner: found_inside.Inner) -> Inner:
    """A message inside, cleaned like the one around it: its HTML is as hostile as any."""
    letter = inner.letter
    files = _files(streams, letter)
    cleaned = _cleaned(letter)
    written = next((value for name, value in letter.headers if name.lower() == "from"), "")
    return Inner(
        number=inner.number,
        of=inner.of,
        subject=letter.subject,
        sender=letter.sender or Mailbox(clean_name(written)[:200], ""),
        to=letter.to[:MOST_SHOWN],
        cc=letter.cc[:MOST_SHOWN],
        sent_at=letter.date,
        text=_body(streams, f"inner/{inner.number}/text", letter.text or "", INNER_INLINE_BYTES),
        html=_body(streams, f"inner/{inner.number}/html", cleaned.html, INNER_INLINE_BYTES),
        files=files,
        remote_pictures=cleaned.remote_pictures,
        removed=cleaned.removed,
        protections=letter.protections,
    )


def _body(streams: dict[str, bytes], name: str, text: str, most: int = BODY_INLINE_BYTES) -> Body:
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= most:
        return Body(here=encoded.decode(), size=len(encoded))
    streams[name] = encoded
    return Body(stream=name, size=len(encoded))
