"""Builds mail to send, small or streamed, in which no value can start a header of its own (RFC 5322, MIME)."""

import binascii
import re
import secrets
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from portal.mime.addresses import Mailbox, clean_name, normalise
from portal.mime.errors import BadAddress, BadHeader, LimitExceeded
from portal.mime.fields import one_line
from portal.mime.limits import MAX_HEADER_BYTES
from portal.mime.names import safe_file_name

_LINE = 76  # characters of a header or encoded line before it is folded
_LONGEST_LINE = 998  # octets without CRLF (RFC 5322 §2.1.1)
_WORD_BYTES = 42  # UTF-8 bytes in one encoded word: 75 characters at most (RFC 2047 §2)
_BASE64_BYTES = 57  # make a line of 76 letters

_NAME = re.compile(r"[!-9;-~]{1,70}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,990}")
_MBOX_LINE = re.compile(rb">?From [^\n]*+\n")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, repr=False)
class Heads:
    """The header of a mail to be built. Ids may come with or without angle brackets; `date` is aware."""

    from_: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    date: datetime
    message_id: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    reply_to: Mailbox | None = None
    cc: tuple[Mailbox, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """A picture that the HTML names by `cid:` and its content id (written without angle brackets)."""

    content_id: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """A file to attach, its bytes in chunks of any size."""

    name: str
    content_type: str
    chunks: Iterable[bytes]


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """A file that was found in another format than MIME; a message (`message/rfc822`) goes in as it is."""

    name: str
    content_type: str
    content_id: str
    data: bytes


def new_message_id(host: str) -> str:
    """A fresh Message-ID with its angle brackets, unguessable and unrelated to any content. Raises BadHeader."""
    if _MESSAGE_ID.fullmatch(host) is None or "@" in host:
        raise BadHeader
    return f"<{secrets.token_urlsafe(18)}@{host}>"


def alternative(heads: Heads, text: str, html: str, related: tuple[Picture, ...] = ()) -> bytes:
    """A whole mail of the same thing as text and as HTML, text first (RFC 2046 §5.1.4), HTML with its pictures.

    Raises BadAddress, BadHeader.
    """
    return _header(heads) + _multipart("alternative", [_text_part("plain", text), _rich_part(html, related)])


def letter(
    heads: Heads,
    text: str,
    html: str,
    files: Collection[Attachment] = (),
    related: tuple[Picture, ...] = (),
) -> Iterator[bytes]:
    """A mail of text, HTML with its pictures or both (RFC 2046 §5.1.4), with files if there are any, in chunks.

    Raises BadAddress, BadHeader before the first chunk.
    """
    parts = [_text_part("plain", text)] if text else []
    parts += [_rich_part(html, related)] if html else []
    body = _multipart("alternative", parts) if len(parts) > 1 else parts[0] if parts else _text_part("plain", "")
    return _mixed(_header(heads), body, files) if files else iter([_header(heads) + body])


def _mixed(header: bytes, body: bytes, files: Iterable[Attachment]) -> Iterator[bytes]:
    boundary = _boundary()
    yield header + b'Content-Type: multipart/mixed; boundary="%b"\r\n\r\n--%b\r\n' % (boundary, boundary)
    yield body
    for file in files:
        yield b"\r\n--%b\r\n%b" % (boundary, _file_header(file))
        yield from _base64_stream(file.chunks)
    yield b"\r\n--%b--\r\n" % boundary


def rebuilt(fields: Iterable[tuple[str, str]], text: str, html: str, files: Collection[Found]) -> bytes:
    """A mail made of what another format held. Values of `fields` are kept as text, UTF-8 (RFC 6532), one line each.

    Never raises: it is read again, not sent.
    """
    header = "".join([f"{name}: {' '.join(one_line(value).split())}\r\n" for name, value in fields if value])
    parts = [_text_part(kind, body) for kind, body in (("plain", text), ("html", html)) if body]
    body = _multipart("alternative", parts) if len(parts) > 1 else parts[0] if parts else _text_part("plain", "")
    if files:
        body = _multipart("mixed", [body, *map(_found_part, files)])
    return header.encode("utf-8", "replace") + b"MIME-Version: 1.0\r\n" + body


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


def header_field(name: str, text: str) -> bytes:
    """One field of unstructured text (RFC 5322 section 2.2.1), folded and encoded. Raises BadHeader for a bad name."""
    if _NAME.fullmatch(name) is None:
        raise BadHeader
    return _field(name, *_words(text)).encode("ascii")


def text_part(text: str) -> bytes:
    """A part of plain text, its own header included."""
    return _text_part("plain", text)


def boundary() -> bytes:
    """A fresh boundary of multipart, which no sender can guess."""
    return _boundary()


def _field_name(line: bytes) -> bytes:
    # Some readers take "Name : value" as the field, so it is dropped as well.
    return line.partition(b":")[0].strip().lower()


def _header(heads: Heads) -> bytes:
    lines = [
        _field("From", _written(heads.from_)),
        _field("To", *_listed(heads.to)) if heads.to else "To: undisclosed-recipients:;\r\n",
        _field("Subject", *_words(heads.subject)),
        _field("Date", format_datetime(heads.date.astimezone(UTC))),
        _field("Message-ID", _id(heads.message_id)),
    ]
    if heads.cc:
        lines.append(_field("Cc", *_listed(heads.cc)))
    if heads.reply_to is not None:
        lines.append(_field("Reply-To", _written(heads.reply_to)))
    if heads.in_reply_to:
        lines.append(_field("In-Reply-To", _id(heads.in_reply_to)))
    if heads.references:
        lines.append(_field("References", *[_id(reference) for reference in heads.references]))
    for name, value in heads.extra:
        if _NAME.fullmatch(name) is None:
            raise BadHeader
        lines.append(_field(name, *_words(value)))
    return "".join(lines).encode("utf-8") + b"MIME-Version: 1.0\r\n"


def _field(name: str, *words: str) -> str:
    """One header field, folded between words. Every word comes from a function here that lets no line end through."""
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _LINE and lines[-1].strip() and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += " " + word
    return "\r\n".join(lines) + "\r\n"


def _words(text: str) -> list[str]:
    """Unstructured text as words to fold between: as they are in ASCII, else encoded words (RFC 2047)."""
    words = one_line(text).split()  # a run of spaces could become a line of nothing but space
    text = " ".join(words)
    if not words:
        return [""]
    if text.isascii() and "=?" not in text and all(len(word) <= _LONGEST_LINE - _LINE for word in words):
        return words
    return _encoded(text)


def _encoded(text: str) -> list[str]:
    words: list[str] = []
    piece = b""
    for character in text:
        data = character.encode("utf-8", "replace")
        if len(piece) + len(data) > _WORD_BYTES:
            words.append(_encoded_word(piece))
            piece = b""
        piece += data
    return [*words, _encoded_word(piece)]


def _encoded_word(data: bytes) -> str:
    return f"=?utf-8?b?{binascii.b2a_base64(data, newline=False).decode('ascii')}?="


def _listed(mailboxes: tuple[Mailbox, ...]) -> list[str]:
    written = [_written(mailbox) for mailbox in mailboxes]
    return [f"{mailbox}," for mailbox in written[:-1]] + written[-1:]


def _written(mailbox: Mailbox) -> str:
    address = _address(mailbox.address)
    name = clean_name(mailbox.name)[:300]
    if not name:
        return address
    if name.isascii() and "=?" not in name:
        if _ATOMS.fullmatch(name) is None:
            name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
        return f"{name} <{address}>"
    return f"{' '.join(_encoded(name))} <{address}>".replace("?= =?", "?=\r\n =?")


def _address(address: str) -> str:
    """The address as it may stand in a header: the local part as written, the domain in ASCII. Raises BadAddress."""
    normal = normalise(address)
    local = address.strip().rpartition("@")[0]
    if local.startswith('"') or one_line(local) != local:
        local = normal.rpartition("@")[0]
    if not local:
        raise BadAddress
    return f"{local}@{normal.rpartition('@')[2]}"


def _id(value: str) -> str:
    value = value.strip().removeprefix("<").removesuffix(">")
    if _MESSAGE_ID.fullmatch(value) is None:
        raise BadHeader
    return f"<{value}>"


def _boundary() -> bytes:
    # "=_" stands in no base64 and no quoted-printable (RFC 2045 §6.7); the rest cannot be guessed by a sender.
    return b"=_" + secrets.token_hex(12).encode("ascii")


def _multipart(kind: str, parts: list[bytes], parameters: str = "") -> bytes:
    boundary = _boundary()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary.decode("ascii")}"{parameters}\r\n\r\n'
    body = b"".join([b"--%b\r\n%b\r\n" % (boundary, part) for part in parts])
    return head.encode("ascii") + body + b"--%b--\r\n" % boundary


def _text_part(kind: str, text: str) -> bytes:
    """A text part in 7 bits where text and line lengths allow it, so that links stay whole, else encoded."""
    data = _LINE_END.sub("\n", text.replace("\0", "")).encode("utf-8", "replace")
    if data.isascii() and all(len(line) <= _LONGEST_LINE for line in data.split(b"\n")):
        encoding, data = "7bit", data.replace(b"\n", b"\r\n")
    elif _mostly_ascii(data):
        # Given CRLF, Python would still end its soft breaks with LF alone.
        encoding, data = "quoted-printable", binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")
    else:
        encoding, data = "base64", b"".join(_base64_stream([data.replace(b"\n", b"\r\n")]))
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode("ascii") + data


def _rich_part(html: str, related: tuple[Picture, ...]) -> bytes:
    """HTML, with its pictures beside it (RFC 2387)."""
    rich = _text_part("html", html)
    if not related:
        return rich
    return _multipart("related", [rich, *map(_picture_part, related)], '; type="text/html"')


def _mostly_ascii(data: bytes) -> bool:
    # An octet that is escaped takes three; base64 takes four thirds of everything.
    return 6 * len(data.translate(None, bytes(range(128)))) < len(data)


def _picture_part(picture: Picture) -> bytes:
    head = f"Content-Type: {_media_type(picture.content_type)}\r\nContent-ID: {_id(picture.content_id)}\r\n"
    head += "Content-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode("ascii") + b"".join(_base64_stream([picture.data]))


def _media_type(content_type: str) -> str:
    return content_type if _TOKEN.fullmatch(content_type) else "application/octet-stream"


def _file_header(file: Attachment) -> bytes:
    """The header of an attachment, its name in pieces short enough for any line (RFC 2231 §3)."""
    name = safe_file_name(file.name, file.content_type)
    kind = _media_type(file.content_type)
    if name.isascii() and len(name) <= 60:
        quoted = name.replace("\\", "_").replace('"', "_")
        parameter = f'\r\n filename="{quoted}"'
    else:
        letters = quote(name, safe="!#$&+-.^_`|~")
        pieces = re.findall(r"(?:%[0-9A-F]{2}|[^%]){1,20}", letters)
        parameter = ";".join(
            [
                f"\r\n filename*{number}*={'utf-8' + chr(39) * 2 if not number else ''}{piece}"
                for number, piece in enumerate(pieces)
            ]
        )
    head = f"Content-Type: {kind}\r\nContent-Disposition: attachment;{parameter}\r\n"
    return (head + "Content-Transfer-Encoding: base64\r\n\r\n").encode("ascii")


def _found_part(found: Found) -> bytes:
    head = _file_header(Attachment(found.name, found.content_type, ()))
    if _MESSAGE_ID.fullmatch(found.content_id):
        head = f"Content-ID: <{found.content_id}>\r\n".encode("ascii") + head
    if found.content_type == "message/rfc822":
        return head.replace(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: 8bit") + found.data
    return head + b"".join(_base64_stream([found.data]))


def _base64_stream(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines of base64 with CRLF, holding less than one line between chunks."""
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        whole = len(data) - len(data) % _BASE64_BYTES
        rest = data[whole:]
        if whole:
            yield _base64_lines(data[:whole])
    if rest:
        yield _base64_lines(rest)


def _base64_lines(data: bytes) -> bytes:
    letters = binascii.b2a_base64(data, newline=False)
    return b"".join([letters[start : start + 76] + b"\r\n" for start in range(0, len(letters), 76)])
