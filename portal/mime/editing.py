"""Careful changes to a mail's own bytes: header fields, a prefix of the subject, a text before or behind the rest.

The original's body is never touched: a text is a part of its own beside it (RFC 2046 section 5.1.3), so that no charset
and no encoding has to be guessed, and what signs the body alone stays whole. A signature of the header (DKIM, RFC 6376)
over a field that is changed does not stay valid; docs/rules.md says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from portal.mime.building import new_boundary, text_part
from portal.mime.errors import LimitExceeded
from portal.mime.fields import decode_words, header_end, raw_fields
from portal.mime.headers import unstructured
from portal.mime.limits import MAX_HEADER_BYTES

_MBOX_LINE = re.compile(rb">?From [^\n]*+\n")
_OUTER = frozenset(
    {"bcc", "cc", "date", "from", "in-reply-to", "message-id", "references", "reply-to", "sender", "subject", "to"}
)


@dataclass(frozen=True)
class Change:
    """What is to be changed. `wraps` puts the mail whole, as a message, beside the texts: a signed one stays whole."""

    add: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    remove: tuple[str, ...] = ()
    prefix: str = field(default="", repr=False)
    before: tuple[str, ...] = field(default=(), repr=False)
    behind: tuple[str, ...] = field(default=(), repr=False)
    wraps: bool = False
    subject: str | None = field(default=None, repr=False)
    """In the place of the subject that there is; the prefix comes before it."""


def changed(chunks: Iterable[bytes], change: Change) -> Iterator[bytes]:
    """The mail with these changes, in pieces. Raises LimitExceeded for a header line that is too long."""
    source = without_headers(chunks, change.remove) if change.remove else iter(chunks)
    block = b""
    for chunk in source:
        block += chunk
        end, body = header_end(block)
        if body > end or len(block) > MAX_HEADER_BYTES:
            break
    end, body = header_end(block)
    header, rest = block[:end], block[body:]
    if change.prefix or change.subject is not None:
        header = _headed(header, change.prefix, change.subject)
    for name, value in reversed(change.add):
        header = with_header(header, unstructured(name, value))
    if not (change.before or change.behind):
        yield header + block[end:body] + rest
        yield from source
        return
    mark = new_boundary()
    outer, inner = _parted(header) if not change.wraps else (_of_wrap(header), b"Content-Type: message/rfc822\r\n")
    yield outer + b"MIME-Version: 1.0\r\n"
    yield b'Content-Type: multipart/mixed; boundary="%b"\r\n\r\n' % mark
    yield b"".join([b"--%b\r\n%b\r\n" % (mark, text_part("plain", text)) for text in change.before])
    yield b"--%b\r\n%b\r\n" % (mark, inner)
    yield block if change.wraps else rest
    yield from source
    yield b"".join([b"\r\n--%b\r\n%b" % (mark, text_part("plain", text)) for text in change.behind])
    yield b"\r\n--%b--\r\n" % mark


def _lines(header: bytes) -> Iterator[tuple[str, bytes]]:
    """The fields of a header block, each with its lines as they are; the name in lower case."""
    name, lines = "", b""
    for line in header.splitlines(keepends=True):
        if line[:1] in (b" ", b"\t"):
            lines += line
            continue
        if lines:
            yield name, lines
        name, lines = line.partition(b":")[0].strip().lower().decode("ascii", "replace"), line
    if lines:
        yield name, lines if lines.endswith(b"\n") else lines + b"\r\n"


def _headed(header: bytes, prefix: str, subject: str | None) -> bytes:
    """The first subject, or the one in its place, with a text before it; a mail without one gets it as its subject."""
    written = next((decode_words(value) for name, value in raw_fields(header) if name.lower() == "subject"), "")
    said = written if subject is None else subject
    if said == written and said.startswith(prefix.strip()):
        return header
    kept = b"".join(lines for name, lines in _lines(header) if name != "subject")
    return with_header(kept, unstructured("Subject", f"{prefix}{said}"))


def _parted(header: bytes) -> tuple[bytes, bytes]:
    """What stays with the mail, and what describes its body and goes with that."""
    fields: Sequence[tuple[str, bytes]] = list(_lines(header))
    outer = b"".join(lines for name, lines in fields if not name.startswith("content-") and name != "mime-version")
    return outer, b"".join(lines for name, lines in fields if name.startswith("content-"))


def _of_wrap(header: bytes) -> bytes:
    return b"".join(lines for name, lines in _lines(header) if name in _OUTER)


def without_headers(chunks: Iterable[bytes], names: Collection[str]) -> Iterator[bytes]:
    """The message in `chunks` without the header fields of these names (any case), the rest byte for byte.

    Raises LimitExceeded when one header line is longer than `limits.MAX_HEADER_BYTES`.
    """
    unwanted = {name.lower().encode("ascii", "replace") for name in names}
    source = iter(chunks)
    pending = b""
    dropping = False
    for chunk in source:
        pending += chunk
        kept: list[bytes] = []
        start = 0
        while (newline := pending.find(b"\n", start)) >= 0:
            line = pending[start : newline + 1]
            if line in (b"\n", b"\r\n"):
                yield b"".join(kept) + pending[start:]
                yield from source
                return
            start = newline + 1
            if not line.startswith((b" ", b"\t")):
                dropping = _field_name(line) in unwanted
            if not dropping:
                kept.append(line)
        pending = pending[start:]
        if len(pending) > MAX_HEADER_BYTES:
            raise LimitExceeded("header", MAX_HEADER_BYTES)
        if kept:
            yield b"".join(kept)
    if pending and not (dropping if pending.startswith((b" ", b"\t")) else _field_name(pending) in unwanted):
        yield pending


def with_header(mail: bytes, field: bytes) -> bytes:
    """`mail`, a whole one or its beginning, with one more header field (its line end included) in front.

    An mbox line that some programs send first stays first: behind the field it would end the header, and hide what
    follows it in the body.
    """
    line = _MBOX_LINE.match(mail)
    start = line.end() if line else 0
    return mail[:start] + field + mail[start:]


def _field_name(line: bytes) -> bytes:
    # Some readers take "Name : value" as the field, so it is dropped as well.
    return line.partition(b":")[0].strip().lower()
