"""NDJSON: one mail a line, read from a body in pieces; a line that is no mail is that line's matter alone.

A line is either `{"rfc822": base64}`, with `from` and `to` beside it where its own header must not decide, or the mail
in fields: `from`, `to`, `subject`, `text`, `html`, `attachments` (each `name`, `content_type` and `content` in base64)
and `protect`, the options of X-Letterlock-Protect as an object (`{}` for none in particular).
"""

from __future__ import annotations

import binascii
import hashlib
import json
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.ingest.bulk_errors import ItemRefused, ItemTooLarge
from portal.ingest.data import LineEnds
from portal.ingest.errors import AddressRefused, NoRecipients, NoSender
from portal.ingest.intake import Named
from portal.mime.addresses import Mailbox, parse_list
from portal.mime.building import Attachment, Heads, letter, new_message_id
from portal.mime.errors import BadAddress, BadHeader

LINE_BYTES = 32 << 20
"""A line is in memory whole while it is read, several times over; larger mail comes by itself or in an archive."""
MOST_MARKS = 2_000_000
"""Brackets, commas and quotation marks of a line: each may become an object of up to 90 bytes in memory, and 32 MiB of
empty lists were seen to take a gigabyte."""
_FIELDS = frozenset(("from", "to", "subject", "text", "html", "attachments", "protect"))
_RAW_FIELDS = frozenset(("rfc822", "from", "to"))
_ALSO = {"from": "sender", "to": "recipients"}
"""Other names that fields may have, and had alone before."""
_FILE_FIELDS = frozenset(("name", "content_type", "content"))
_OPTIONS = (
    *("until", "template", "reply", "all", "fwd", "copy", "dl", "print", "mark"),
    *("rcpt", "split", "delivery", "note", "level", "phrase", "hint"),
)


def lines(chunks: Iterable[bytes]) -> Iterator[Line]:
    """Every line that is not empty, with its number from 1; at most LINE_BYTES and a chunk are in memory."""
    line = _Gathered(1)
    for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            line.add(piece)
            if not line.blank:
                yield line.done()
            line = _Gathered(line.number + 1)
        line.add(rest)
    if not line.blank:
        yield line.done()


class _Gathered:
    """A line as its pieces come; what is beyond LINE_BYTES is only hashed."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.blank = True
        self._pieces: list[bytes] = []
        self._size = 0
        self._digest = hashlib.sha256()

    def add(self, piece: bytes) -> None:
        self.blank = self.blank and not piece.strip()
        self._size += len(piece)
        self._digest.update(piece)
        if self._size <= LINE_BYTES:
            self._pieces.append(piece)
        else:
            self._pieces = []

    def done(self) -> Line:
        raw = b"".join(self._pieces) if self._size <= LINE_BYTES else None
        return Line(self.number, raw, self._digest.digest())


class Line:
    """One line of a body; `raw` is None when it was too long to keep."""

    name = ""

    def __init__(self, number: int, raw: bytes | None, digest: bytes) -> None:
        self.number = number
        self.size = len(raw) if raw is not None else 0
        self._raw = raw
        self._digest = digest

    def __repr__(self) -> str:
        return f"Line({self.number})"

    def mail(self) -> tuple[Named, Iterable[bytes]]:
        """Sender, recipients and the mail. Raises NotTaken."""
        if self._raw is None:
            raise ItemTooLarge(LINE_BYTES)
        try:
            if sum(map(self._raw.count, (b"[", b"{", b",", b'"'))) > MOST_MARKS:
                raise ItemRefused(
                    f"The line holds more than {MOST_MARKS:,} brackets, commas and quotation marks: hand "
                    "that mail in by itself, or in an archive."
                )
            fields = json.loads(self._raw, object_pairs_hook=_object)
        except (ValueError, RecursionError):
            raise ItemRefused("The line is not JSON: write one JSON object a line, in UTF-8.") from None
        if not isinstance(fields, dict):
            raise ItemRefused("The line is not a JSON object: write one mail a line, like {…}.")
        _call_by_name(fields)
        return _raw_mail(fields) if "rfc822" in fields else _composed(fields)

    def finish(self) -> bytes:
        return self._digest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Which of two wishes is meant cannot be known, and the weaker one may be the wrong one.
        raise ItemRefused("The line names a field twice; name each once.")
    return found


def _call_by_name(fields: dict[str, Any]) -> None:
    for name, also in _ALSO.items():
        if also in fields:
            if name in fields:
                raise ItemRefused(f"The line names both {name} and {also}, which are the same; name one of the two.")
            fields[name] = fields.pop(also)


def _called(name: str) -> str:
    return f"{name} (or {_ALSO[name]})" if name in _ALSO else name


def _raw_mail(fields: dict[str, Any]) -> tuple[Named, Iterable[bytes]]:
    _only(fields, _RAW_FIELDS)
    raw = _base64(fields["rfc822"], "rfc822")
    sender = _text(fields, "from") if "from" in fields else None
    recipients = _addresses(fields) if "to" in fields else None
    named = Named(
        "api",
        None if sender is None else _mailbox(sender).address if sender else "",
        None if recipients is None else tuple(box.address for box in recipients),
    )
    line_ends = LineEnds()
    return named, (line_ends.feed(raw), line_ends.finish())


def _composed(fields: dict[str, Any]) -> tuple[Named, Iterable[bytes]]:
    _only(fields, _FIELDS)
    written = _text(fields, "from")
    if not written:
        raise NoSender
    sender, recipients = _mailbox(written), _addresses(fields)
    if not recipients:
        raise NoRecipients
    heads = Heads(
        from_=sender,
        to=recipients,
        subject=_text(fields, "subject"),
        date=timezone.localtime(),
        message_id=new_message_id(settings.LETTERLOCK.public_host),
        extra=(("X-Letterlock-Protect", protect_header(fields["protect"])),) if "protect" in fields else (),
    )
    files = [_file(found) for found in _list(fields, "attachments")]
    try:
        mail = letter(heads, _text(fields, "text"), _text(fields, "html"), files)
    except BadAddress:
        raise AddressRefused from None
    except BadHeader:
        raise ItemRefused("A field cannot stand in a mail's header: leave out line ends and control letters.") from None
    return Named("api", sender.address, tuple(box.address for box in recipients)), mail


def protect_header(asked: object) -> str:
    """The header's value; what the options mean is checked with every other mail's, at the intake."""
    if not isinstance(asked, dict):
        raise ItemRefused('The field protect must be an object, like {"dl": false}, or {} for the usual rights.')
    pairs = ["v=1"]
    for key, value in asked.items():
        if key not in _OPTIONS:
            raise ItemRefused(f"The field protect knows {', '.join(_OPTIONS)}; it holds another one.")
        if isinstance(value, bool) if key != "level" else type(value) is int:
            pairs.append(f"{key}={int(value)}")
        elif isinstance(value, str):
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            pairs.append(f'{key}="{quoted}"')
        else:
            raise ItemRefused(f"The option {key} of protect must be true, false or a text; level a number.")
    return "; ".join(pairs)


def _file(found: object) -> Attachment:
    if not isinstance(found, dict):
        raise ItemRefused("Each of attachments must be an object with name, content_type and content.")
    _only(found, _FILE_FIELDS)
    content = _base64(found.get("content"), "content")
    kind = _text(found, "content_type", "application/octet-stream")
    return Attachment(_text(found, "name"), kind, [content])


def _addresses(fields: dict[str, Any]) -> tuple[Mailbox, ...]:
    return tuple(_mailbox(one) for one in _list(fields, "to"))


def _mailbox(written: object) -> Mailbox:
    boxes = parse_list(written) if isinstance(written, str) else ()
    if len(boxes) != 1:
        raise AddressRefused
    return boxes[0]


def _base64(given: object, field: str) -> bytes:
    if isinstance(given, str):
        try:
            return b64decode(given.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            pass
    raise ItemRefused(f"The field {field} must be base64 (RFC 4648 section 4) without line ends.")


def _text(fields: dict[str, Any], name: str, default: str = "") -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise ItemRefused(f"The field {_called(name)} must be a text.")
    return value


def _list(fields: dict[str, Any], name: str) -> list[object]:
    value = fields.get(name, [])
    if not isinstance(value, list):
        raise ItemRefused(f"The field {_called(name)} must be a list.")
    return value


def _only(fields: dict[str, Any], known: frozenset[str]) -> None:
    # A misspelt field must not be passed over: it may be the one that asks for protection.
    if not known.issuperset(fields):
        raise ItemRefused(f"There is a field that is not known here; known are {', '.join(sorted(known))}.")
