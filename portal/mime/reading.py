"""Reads a mail into plain values: who, when, what to show and which files; never raises on any input."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from urllib.parse import unquote

from portal.mime import charsets, plain, unpacking
from portal.mime.addresses import Mailbox, parse_list
from portal.mime.dates import read_date
from portal.mime.errors import LimitExceeded
from portal.mime.fields import decoded, header_end, raw_fields, read_headers, settled
from portal.mime.limits import MAX_PARTS
from portal.mime.names import safe_file_name
from portal.mime.structure import Node, tree

_SHOWN_WHEN_UNREADABLE = 1024 * 1024  # bytes of a message shown as text when it cannot be read; the file is offered
_MOST_REFERENCES = 100
_MOST_WRAPS = 3  # winmail.dat in a signature in winmail.dat
_ID = re.compile(r"<[^<>\s]{1,990}>")
SVG = "image/svg+xml"
_MOST_LOCATED = 100
_CID_REFERENCE = re.compile(r"""cid:(?:(?<=["']cid:)([^"'<>]{1,500})|([^"'\s<>)]{1,500}))""", re.IGNORECASE)
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.+-]{1,40})""", re.IGNORECASE)
# Second renderings of the same text for one program only (AMP, Apple Watch).
_NOT_FOR_READERS = {"text/x-amp-html", "text/watch-html"}


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """A file of a message: an attachment, or a picture that the HTML shows (`inline`). `number` counts from 1."""

    number: int
    name: str
    content_type: str
    data: bytes
    content_id: str
    inline: bool
    location: str = ""
    """The address (Content-Location) that the HTML may show a picture by."""

    def __repr__(self) -> str:
        return f"Part(number={self.number}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """A mail that was read. Text is decoded and on one line where it comes from a header; `html` is not cleaned.

    `protections` are what the mail says of itself, not checked: `smime-signed`, `smime-encrypted`, `openpgp-signed`,
    `openpgp-encrypted` (a file), `openpgp-inline` (encrypted in the text). What winmail.dat or a signature wraps is
    read as if the mail had it.

    `message_id`, `in_reply_to` and `references` keep their angle brackets. Where a field is given twice, as From may
    be to deceive, the first counts. `damage` is a sentence without content when `readable` is False.
    """

    subject: str
    sender: Mailbox | None
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]
    date: datetime | None
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    parts: tuple[Part, ...]
    readable: bool
    damage: str
    protections: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Letter({len(self.parts)} parts, readable={self.readable})"


@dataclass(slots=True)
class _Content:
    """What the walk over the tree has gathered: pieces of body as (text, html), then files."""

    pieces: list[tuple[str | None, str | None]]
    files: list[Node]
    damage: str = ""
    protections: list[str] = field(default_factory=list)
    of_outlook: list[tuple[str | None, str | None]] = field(default_factory=list)  # pieces of body in winmail.dat
    wraps: int = 0  # opened around what is read now


def read(raw: bytes) -> Letter:
    """Read a whole message. Never raises: what is no MIME, or beyond the limits of `limits`, is shown as text."""
    try:
        head, body = header_end(raw)
        fields = raw_fields(raw[:head])
    except Exception:
        head, body, fields = 0, 0, []
    try:
        content = _Content([], [])
        _gather(tree(raw), content, root=True)
        return _letter(fields, content)
    except LimitExceeded as failure:
        damage = f"{failure}".partition(":")[0] + "."
    except Exception:  # whatever odd mail finds next: it is shown as text, and the cause may hold content
        damage = "The message could not be read as mail."
    return _as_text(fields, raw, body, damage)


def _as_text(fields: list[tuple[str, str]], raw: bytes, body: int, damage: str) -> Letter:
    shown = raw[body : body + _SHOWN_WHEN_UNREADABLE]
    if body + len(shown) < len(raw):
        damage += " Only its beginning is shown."
    content = _Content([(_lines(charsets.decode(shown)), None)], [], damage)
    try:
        return _letter(fields, content)
    except Exception:
        return _letter([], content)


def _letter(fields: list[tuple[str, str]], content: _Content) -> Letter:
    headers = decoded(fields)
    first: dict[str, str] = {}
    subject = ""
    for (name, value), (_, shown) in zip(reversed(fields), reversed(headers), strict=True):
        key = name.lower()
        first[key] = value
        if key == "subject":
            subject = settled(shown)
    get = first.get
    text, html = _body(content)
    protections = [*content.protections, *unpacking.armoured(text or "")]
    senders = parse_list(get("from", "")) or parse_list(get("sender", ""))
    return Letter(
        subject=subject,
        sender=senders[0] if senders else None,
        to=parse_list(first["to"]) if "to" in first else (),
        cc=parse_list(first["cc"]) if "cc" in first else (),
        reply_to=parse_list(first["reply-to"]) if "reply-to" in first else (),
        date=read_date(get("date", "")),
        message_id=_first_id(get("message-id", "")),
        in_reply_to=_first_id(get("in-reply-to", "")),
        references=_references(get("references", "")),
        headers=headers,
        text=text,
        html=html,
        parts=_parts(content.files, html or "") if content.files else (),
        readable=not content.damage,
        damage=content.damage,
        protections=tuple(dict.fromkeys(protections)),
    )


def _body(content: _Content) -> tuple[str | None, str | None]:
    """The body of the mail; of one by Outlook for its own kind that in winmail.dat, when the mail has no richer."""
    text, html = _joined(content.pieces)
    own_text, own_html = _joined(content.of_outlook)
    if html is None and own_html and len(content.pieces) <= 1:
        html = own_html
    return (own_text if own_text and not text and not (content.pieces and html) else text), html


def _gather(node: Node, content: _Content, root: bool = False, first: bool = True, alternative: bool = False) -> None:
    """Sort a part and all below it into body and files (RFC 2046 §5.1, RFC 2183 §2)."""
    content.damage = content.damage or node.damage
    content.protections += unpacking.protections(node) if node.children else []
    if node.data is not None:
        if _is_body(node, root, first, alternative):
            shown = _text_of(node)
            content.pieces.append((None, shown) if node.content_type == "text/html" else (shown, None))
        elif not (alternative and node.content_type in _NOT_FOR_READERS):
            _file(node, content)
    elif node.content_type == "multipart/alternative":
        _gather_alternatives(node, content)
    elif node.content_type == "multipart/related":
        _gather(node.children[0], content, first=first, alternative=True)
        for child in node.children[1:]:
            below = child.data is not None and child.content_type.startswith("text/")
            content.files.append(child) if below else _gather(child, content, first=False)
    else:
        for place, child in enumerate(node.children):
            _gather(child, content, first=place == 0)


def _file(node: Node, content: _Content) -> None:
    """Take a file, or what it wraps."""
    kind = unpacking.kind_of_cms(node)
    if kind == "encrypted" or unpacking.is_armoured_file(node):
        content.protections.append("smime-encrypted" if kind else "openpgp-encrypted")
    found = _Content([], [], wraps=content.wraps + 1)
    if content.wraps < _MOST_WRAPS:
        if kind == "signed" and (signed := unpacking.wrapped_by_signature(node)) is not None:
            _gather(signed, found, root=True)
            content.pieces += found.pieces
            content.protections.append("smime-signed")
        elif (of_outlook := unpacking.wrapped_by_outlook(node)) is not None:
            _gather(of_outlook, found, root=True)
            content.of_outlook += found.pieces
    # One whose only piece is empty may hold its words in a way that is not known here: it stays what it is.
    if (
        not (found.files or any(text or html for text, html in found.pieces))
        or len(content.files) + len(found.files) > MAX_PARTS
    ):
        content.files.append(node)
        return
    content.files += found.files
    content.protections += found.protections
    content.of_outlook += found.of_outlook


def _is_body(node: Node, root: bool, first: bool, alternative: bool) -> bool:
    if node.content_type not in {"text/plain", "text/html"} or node.disposition == "attachment":
        return False
    # A named text is a file, except where only a body can stand.
    return not node.name or root or alternative or (first and not node.disposition)


def _gather_alternatives(node: Node, content: _Content) -> None:
    """One piece of body from renderings of the same thing: the last text, the last HTML (RFC 2046 §5.1.4)."""
    text: str | None = None
    html: str | None = None
    for child in node.children:
        found = _Content([], content.files, "", content.protections, content.of_outlook, content.wraps)
        _gather(child, found, alternative=True)
        content.damage = content.damage or found.damage
        child_text, child_html = _joined(found.pieces)
        html = child_html if child_html is not None else html
        text = child_text if child_text is not None and (child_html is None or text is None) else text
    if text is not None or html is not None:
        content.pieces.append((text, html))


def _joined(pieces: list[tuple[str | None, str | None]]) -> tuple[str | None, str | None]:
    """The whole body as text and as HTML; a piece that lacks one form is written in it when others have it."""
    if len(pieces) == 1:
        return pieces[0]
    texts = html = None
    if any(text is not None for text, _ in pieces):
        texts = "\n".join([text if text is not None else plain.from_html(html or "") for text, html in pieces])
    if any(html is not None for _, html in pieces):
        html = "\n".join([html if html is not None else plain.to_html(text or "") for text, html in pieces])
    return texts, html


def _text_of(node: Node) -> str:
    data = node.data or b""
    charset = node.settings.get("charset", "")
    if node.content_type == "text/html":
        if not charset and (declared := _META_CHARSET.search(data, 0, 4096)):
            charset = declared[1].decode("ascii")
        return charsets.decode(data, charset)
    text = _lines(charsets.decode(data, charset))
    if node.settings.get("format", "").lower() == "flowed":
        text = plain.unflowed(text, node.settings.get("delsp", "").lower() == "yes")
    return text


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _parts(files: list[Node], html: str) -> tuple[Part, ...]:
    shown: set[str] = set()
    if html and any(node.content_id for node in files):
        shown = {unquote(unescape(found)) for pair in _CID_REFERENCE.findall(html) if (found := pair[0] or pair[1])}
    located = [node.location for node in files if node.location][:_MOST_LOCATED]
    plain_html = unescape(html) if located else ""
    shown_at = {location for location in located if location in plain_html}
    return tuple([_part(number, node, shown, shown_at) for number, node in enumerate(files, 1)])


def _part(number: int, node: Node, shown: set[str], shown_at: set[str]) -> Part:
    data = node.data or b""
    kind = node.content_type
    name = node.name
    if not name and kind in {"message/rfc822", "message/global"}:
        name = _forwarded_name(data)
    elif not name and kind == "text/calendar":
        name = "invitation.ics"
    # SVG is a document with scripts, whatever its type says: never a picture in the text.
    named = node.content_id in shown or node.location in shown_at
    inline = named and kind.startswith("image/") and kind != SVG
    return Part(number, safe_file_name(name, kind), kind, data, node.content_id, inline, node.location)


def _forwarded_name(data: bytes) -> str:
    block = data[: 64 * 1024]
    for name, value in read_headers(block):
        if name.lower() == "subject" and value:
            return re.sub(r"[/\\]", "_", value)[:500] + ".eml"
    return ""


def _first_id(value: str) -> str:
    found = _ID.search(value) if value else None
    return found[0] if found else ""


def _references(value: str) -> tuple[str, ...]:
    """The thread's message ids, oldest first; of a very long list the first one and the latest."""
    found = _ID.findall(value) if value else []
    return tuple(found if len(found) <= _MOST_REFERENCES else found[:1] + found[1 - _MOST_REFERENCES :])
