"""What of a mail other programs may show and this portal does not: the rules look at that too.

Bytes before the first part and behind the last, renderings that are not the one that is shown, files that are written
into the text by uuencode; and structures that two programs read in two ways.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from portal.mime import charsets, plain
from portal.mime.fields import header_end, parameters, raw_fields
from portal.mime.limits import MAX_DEPTH, MAX_HEADER_BYTES
from portal.mime.structure import decoded, media_type, spans

_MESSAGES = {"message/rfc822", "message/global"}
_ENCODINGS = {"", "7bit", "8bit", "binary", "base64", "quoted-printable"}
_MEANS_MORE = re.compile("base64|quoted|uu|yenc|hex")
_BOUNDARY = re.compile(r";\s*+boundary(\*?)[^=;\s]*+\s*+=", re.IGNORECASE)
_NAME = re.compile(r"\.([a-z0-9]{1,20})$")
_A_PART = re.compile(rb"^content-(?:type|transfer-encoding|disposition)[ \t]*+:", re.IGNORECASE | re.MULTILINE)
_UUENCODED = re.compile(
    r"^begin(?:-base64)? [0-7]{3,4} ([^\n]{1,255})\n"
    r"((?:(?!end|====|begin[ -])[^\n]{0,100}\n)*+)(?:end|====)",
    re.MULTILINE,
)
_OTHERS = {"text/x-amp-html", "text/watch-html"}
_MOST_FILES = 50
_FOR_OLD_PROGRAMS = frozenset(
    {
        b"this is a multi-part message in mime format.",
        b"this is a multipart message in mime format.",
        b"this is a message with multiple parts in mime format.",
        b"this is a cryptographically signed message in mime format.",
        b"this is an openpgp/mime signed message (rfc 4880 and 3156)",
        b"this is an openpgp/mime encrypted message (rfc 4880 and 3156)",
    }
)
"""What programs write before the first part, and no person did."""


@dataclass(slots=True)
class Unseen:
    """`texts` are such words; `is_sure` is False where another program may see something else altogether."""

    texts: list[str] = field(default_factory=list, repr=False)
    is_sure: bool = True


def look(raw: bytes) -> Unseen:
    """Never raises: what cannot be followed is not sure."""
    found = Unseen()
    try:
        _Walk(raw, found).part(0, len(raw), 0)
    except Exception:  # whatever odd mail finds next
        found.is_sure = False
    return found


def uuencoded(text: str) -> Iterator[tuple[str, bytes | None]]:
    """Names and bytes of files that a text holds by uuencode (POSIX), which Outlook shows as attachments; None for the
    bytes of one that cannot be read."""
    if "begin" not in text:
        return
    for place, match in enumerate(_UUENCODED.finditer(text.replace("\r\n", "\n"))):
        if place == _MOST_FILES:
            return
        lines = match[2].encode("utf-8", "replace").split(b"\n")
        try:
            if match[0].startswith("begin-base64"):
                yield match[1], binascii.a2b_base64(b"".join(lines))
            else:
                yield match[1], b"".join([_uu(line) for line in lines if line.strip()])
        except (binascii.Error, ValueError):
            yield match[1], None


def _uu(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:  # some encoders write more padding than they count (as the standard library's own uu did)
        return binascii.a2b_uu(line[: (((line[0] - 32) & 63) * 4 + 5) // 3])


class _Walk:
    """Over the parts of a message, by offsets."""

    def __init__(self, raw: bytes, found: Unseen) -> None:
        self._raw, self._found = raw, found

    def part(self, start: int, end: int, depth: int, *, shown: bool = True) -> None:
        """`shown` is False below a rendering that is not the one that is shown."""
        if depth > MAX_DEPTH:
            self._found.is_sure = False
            return
        raw = self._raw
        head, body = header_end(raw[start : min(end, start + MAX_HEADER_BYTES)])
        fields: dict[str, list[str]] = {}
        for name, value in raw_fields(raw[start : start + head]):
            fields.setdefault(name.lower(), []).append(value)
        at = min(end, start + body)
        if not _is_clear(fields):
            self._found.is_sure = False
        token, settings = parameters(fields.get("content-type", ["text/plain"])[0])
        kind, encoding = media_type(token), fields.get("content-transfer-encoding", [""])[0].strip().lower()
        if kind.startswith("multipart/"):
            self._container(kind, settings.get("boundary", "").rstrip(), at, end, depth, shown=shown)
        elif kind in _MESSAGES:
            self._message(at, end, encoding, depth)
        elif kind.startswith("text/") and not shown:
            text = charsets.decode(decoded(raw[at:end], encoding), settings.get("charset", ""))
            self._found.texts.append(text if kind == "text/plain" else plain.from_html(text, for_rules=True))

    def _message(self, start: int, end: int, encoding: str, depth: int) -> None:
        if encoding in ("base64", "quoted-printable"):
            inner = decoded(self._raw[start:end], encoding)
            _Walk(inner, self._found).part(0, len(inner), depth + 1)
        else:
            self.part(start, end, depth + 1)

    def _container(self, kind: str, boundary: str, start: int, end: int, depth: int, *, shown: bool) -> None:
        parts = spans(self._raw, start, end, boundary.encode("utf-8", "replace")) if boundary else []
        if not parts:
            return  # all of it is shown as text
        for before, after in ((start, parts[0][0]), (parts[-1][1], end)):
            self._beside(self._raw[before:after], b"--" + boundary.encode("utf-8", "replace"))
        kinds = [self._kind(first, last) for first, last in parts] if kind == "multipart/alternative" else []
        for place, (first, last) in enumerate(parts):
            chosen = not kinds or (kinds[place] not in kinds[place + 1 :] and kinds[place] not in _OTHERS)
            self.part(first, last, depth + 1, shown=shown and chosen)

    def _kind(self, start: int, end: int) -> str:
        """Of a rendering; one with pictures of its own is HTML."""
        head, _ = header_end(self._raw[start : min(end, start + MAX_HEADER_BYTES)])
        fields = {name.lower(): value for name, value in reversed(raw_fields(self._raw[start : start + head]))}
        kind = media_type(parameters(fields.get("content-type", "text/plain"))[0])
        return "text/html" if kind.startswith("multipart/") else kind

    def _beside(self, rest: bytes, delimiter: bytes) -> None:
        lines = [line for line in rest.splitlines() if not line.startswith(delimiter)]
        lines = [line for line in lines if line.strip().lower() not in _FOR_OLD_PROGRAMS]
        rest = b"\n".join(lines).strip()
        if not rest:
            return
        if _A_PART.search(rest):
            self._found.is_sure = False
        self._found.texts.append(charsets.decode(rest))


def _is_clear(fields: dict[str, list[str]]) -> bool:
    """Whether all programs read the fields of a part alike, as far as what follows depends on them."""
    said = {name: fields.get(f"content-{name}", []) for name in ("type", "transfer-encoding", "disposition")}
    if any(len({value.strip().lower() for value in values}) > 1 for values in said.values()):
        return False
    kind, encoding, disposition = (values[0] if values else "" for values in said.values())
    token, settings = parameters(kind)
    if media_type(token) != token and ("multipart" in token or "message" in token):
        return False
    boundaries = _BOUNDARY.findall(kind)
    if len(boundaries) > 1 and "" in boundaries:
        return False
    encoding = encoding.strip().lower()
    if encoding not in _ENCODINGS and _MEANS_MORE.search(encoding):
        return False
    if token.startswith("multipart/") and encoding in ("base64", "quoted-printable"):
        return False
    names = [settings.get("name", ""), parameters(disposition)[1].get("filename", "")]
    return len({ending[1] for name in names if (ending := _NAME.search(name.strip().lower()))}) < 2
