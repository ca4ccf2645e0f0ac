"""The tree of parts of a message, by the fast parser where it is safe, by our own lenient splitting elsewhere."""

import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import fast_mail_parser
from fast_mail_parser import PyMimePart

from portal.mime.errors import LimitExceeded
from portal.mime.fields import decode_words, header_end, lenient_base64, parameters, raw_fields, text_settings
from portal.mime.keeping import kept
from portal.mime.limits import MAX_DEPTH, MAX_HEADER_BYTES, MAX_PARTS

# The fast parser opens messages inside messages and keeps a copy of the bytes at each of up to 256 levels: 3 MB of
# nested forwards took 936 MiB. Every level needs its own Content-Type, so this product bounds what it can take.
_FAST_LEVELS = 256
_FAST_COPIES = 64 * 1024 * 1024

_LONGEST_ADDRESS = 2000
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,120}")


@dataclass(slots=True)
class Node:
    """A part of a message: a container (`data` is None, it has `children`) or a leaf with its decoded bytes."""

    content_type: str
    disposition: str
    name: str
    content_id: str
    settings: dict[str, str]  # parameters of Content-Type; filled in for text only
    data: bytes | None
    children: list["Node"]
    damage: str = ""
    location: str = ""  # Content-Location (RFC 2557 §4.2) of a picture, the address that HTML may show it by


def tree(raw: bytes) -> Node:
    """The parts of a whole message. Raises LimitExceeded for too many parts or levels."""
    if _is_safe_for_fast(raw):
        try:
            return _from_fast(fast_mail_parser.parse_email_tree(raw), _Count())
        except (fast_mail_parser.ParseError, _Refused, UnicodeError):
            pass
    return _apart(raw, 0, len(raw), _Count(), "text/plain")


def _is_safe_for_fast(raw: bytes) -> bool:
    if len(raw) * _FAST_LEVELS <= _FAST_COPIES:
        return True
    return len(raw) <= _FAST_COPIES and len(raw) * raw.lower().count(b"content-type") <= _FAST_COPIES


class _Refused(Exception):
    """The fast parser gave a tree that has lost something."""


class _Count:
    """How many parts have been met, and how deep the walk is."""

    def __init__(self) -> None:
        self.parts = -1  # the message itself is none
        self.depth = 0

    def part(self) -> None:
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise LimitExceeded("parts", MAX_PARTS)

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise LimitExceeded("depth", MAX_DEPTH)


@kept
def media_type(token: str) -> str:
    """A media type fit to be sent in a header again; what is none becomes text/plain (RFC 2045 §5.2)."""
    token = token.strip().lower()
    return token if _TYPE.fullmatch(token) else "text/plain"


def _content_id(value: str) -> str:
    """What stands between the angle brackets (RFC 2392), or all of it where a program wrote none."""
    value = value.strip()
    inner = value.removeprefix("<").partition(">")[0].strip()
    return inner[:_LONGEST_ADDRESS]


def _location(headers: Mapping[str, Sequence[str]]) -> str:
    for name, values in headers.items():
        if name.lower() == "content-location" and values:
            return _joined(values[0])
    return ""


def _joined(value: str) -> str:
    """An address without the blanks that folding put into it (RFC 2557 §4.4)."""
    return re.sub(r"\s+", "", value)[:_LONGEST_ADDRESS]


def _from_fast(part: PyMimePart, count: _Count) -> Node:
    count.part()
    kind = media_type(part.content_type)
    data = part.content
    if data is None:
        if not part.children:
            raise _Refused  # a wrong or missing boundary: the bytes are still in `raw`, not here
        count.enter()
        children = [_from_fast(child, count) for child in part.children]
        count.depth -= 1
        return Node(kind, "", "", "", {}, None, children)
    settings: dict[str, str] = {}
    if kind.startswith("text/"):
        for name, values in part.headers.items():
            if name.lower() == "content-type":
                settings = text_settings(values[0])
                break
    name = part.filename
    if "\ufffd" in name:
        name = _split_name(part)
    return Node(
        kind,
        (part.disposition or "").strip().lower(),
        decode_words(name) if "=?" in name else name,
        _content_id(part.content_id or ""),
        settings,
        data,
        [],
        location=_location(part.headers) if kind.startswith("image/") else "",
    )


def _split_name(part: PyMimePart) -> str:
    """A name whose pieces end within a character (RFC 2231 §3), which the fast parser decodes one by one."""
    fields = {name.lower(): values[0] for name, values in part.headers.items()}
    _, options = parameters(fields.get("content-disposition", ""))
    _, settings = parameters(fields.get("content-type", ""))
    return options.get("filename") or settings.get("name") or part.filename


def _apart(raw: bytes, start: int, end: int, count: _Count, default: str) -> Node:
    """The part in `raw[start:end]`, read by offsets so that a large part is copied once, when it is decoded."""
    count.part()
    head_length, body_offset = header_end(raw[start : min(end, start + MAX_HEADER_BYTES)])
    fields: dict[str, str] = {}
    for name, value in raw_fields(raw[start : start + head_length]):
        fields.setdefault(name.lower(), value)
    body = min(end, start + body_offset)
    token, settings = parameters(fields["content-type"]) if "content-type" in fields else (default, {})
    kind = media_type(token)
    disposition, options = parameters(fields.get("content-disposition", ""))
    if kind.startswith("multipart/"):
        return _container(raw, body, end, count, kind, settings.get("boundary", "").rstrip())
    return Node(
        kind,
        disposition,
        decode_words(options.get("filename") or settings.get("name", "")),
        _content_id(decode_words(fields.get("content-id", ""))),
        settings,
        decoded(raw[body:end], fields.get("content-transfer-encoding", "").strip().lower()),
        [],
        location=_joined(fields.get("content-location", "")) if kind.startswith("image/") else "",
    )


def _container(raw: bytes, start: int, end: int, count: _Count, kind: str, boundary: str) -> Node:
    found = spans(raw, start, end, boundary.encode("utf-8", "replace")) if boundary else []
    if not found:
        # Nothing is lost: the whole body is shown as text.
        damage = "Its parts could not be told apart, so they are shown as plain text."
        return Node("text/plain", "", "", "", {}, raw[start:end], [], damage)
    count.enter()
    default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    children = [_apart(raw, first, last, count, default) for first, last in found]
    count.depth -= 1
    return Node(kind, "", "", "", {}, None, children)


def spans(raw: bytes, start: int, end: int, boundary: bytes) -> list[tuple[int, int]]:
    """Where the parts between the delimiter lines of `boundary` lie (RFC 2046 §5.1.1); the last may lack its end."""
    line = b"--" + re.escape(boundary) + rb"(--)?[ \t]*+(?:\r?\n|\Z)"
    delimiter = re.compile(b"\n" + line)  # a fixed beginning, so that the search runs at the speed of memory
    found: list[tuple[int, int]] = []
    open_at = -1
    match = re.compile(line).match(raw, start, end) or delimiter.search(raw, max(0, start - 1), end)
    while match is not None:
        if open_at >= 0:
            last = match.start() - (raw[match.start() - 1 : match.start()] == b"\r")
            found.append((open_at, max(open_at, last)))
            if len(found) > MAX_PARTS:
                raise LimitExceeded("parts", MAX_PARTS)
        if match[1]:
            return found
        open_at = match.end()
        match = delimiter.search(raw, open_at - 1, end)
    if open_at >= 0:
        found.append((open_at, end))
    return found


def decoded(body: bytes, encoding: str) -> bytes:
    """The bytes of a part whose Content-Transfer-Encoding is this; never raises."""
    if encoding == "base64":
        return lenient_base64(body) or body
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    return body
