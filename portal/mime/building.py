"""Builds mail to send, small or streamed, in which no value can start a header of its own (RFC 5322, MIME)."""

import binascii
import re
import secrets
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from portal.mime import headers
from portal.mime.addresses import Mailbox
from portal.mime.errors import BadHeader
from portal.mime.fields import one_line
from portal.mime.names import safe_file_name

_BASE64_BYTES = 57  # make a line of 76 letters

_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
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
    if headers.MESSAGE_ID.fullmatch(host) is None or "@" in host:
        raise BadHeader
    return f"<{secrets.token_urlsafe(18)}@{host}>"


def alternative(heads: Heads, text: str, html: str, related: tuple[Picture, ...] = ()) -> bytes:
    """A whole mail of the same thing as text and as HTML, text first (RFC 2046 §5.1.4), HTML with its pictures.

    Raises BadAddress, BadHeader.
    """
    return _header(heads) + _multipart("alternative", [text_part("plain", text), _rich_part(html, related)])


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
    parts = [text_part("plain", text)] if text else []
    parts += [_rich_part(html, related)] if html else []
    body = _multipart("alternative", parts) if len(parts) > 1 else parts[0] if parts else text_part("plain", "")
    return _mixed(_header(heads), body, files) if files else iter([_header(heads) + body])


def _mixed(header: bytes, body: bytes, files: Iterable[Attachment]) -> Iterator[bytes]:
    boundary = new_boundary()
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
    parts = [text_part(kind, body) for kind, body in (("plain", text), ("html", html)) if body]
    body = _multipart("alternative", parts) if len(parts) > 1 else parts[0] if parts else text_part("plain", "")
    if files:
        body = _multipart("mixed", [body, *map(_found_part, files)])
    return header.encode("utf-8", "replace") + b"MIME-Version: 1.0\r\n" + body


def _header(heads: Heads) -> bytes:
    lines = [
        headers.field("From", headers.mailbox(heads.from_)),
        headers.field("To", *headers.mailboxes(heads.to)) if heads.to else "To: undisclosed-recipients:;\r\n",
        headers.field("Subject", *headers.words(heads.subject)),
        headers.field("Date", format_datetime(heads.date.astimezone(UTC))),
        headers.field("Message-ID", headers.message_id(heads.message_id)),
    ]
    if heads.cc:
        lines.append(headers.field("Cc", *headers.mailboxes(heads.cc)))
    if heads.reply_to is not None:
        lines.append(headers.field("Reply-To", headers.mailbox(heads.reply_to)))
    if heads.in_reply_to:
        lines.append(headers.field("In-Reply-To", headers.message_id(heads.in_reply_to)))
    if heads.references:
        lines.append(headers.field("References", *[headers.message_id(reference) for reference in heads.references]))
    extra = b"".join([headers.unstructured(name, value) for name, value in heads.extra])
    return "".join(lines).encode("utf-8") + extra + b"MIME-Version: 1.0\r\n"


def new_boundary() -> bytes:
    """A fresh boundary of multipart."""
    # "=_" stands in no base64 and no quoted-printable (RFC 2045 §6.7); the rest cannot be guessed by a sender.
    return b"=_" + secrets.token_hex(12).encode("ascii")


def _multipart(kind: str, parts: list[bytes], parameters: str = "") -> bytes:
    boundary = new_boundary()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary.decode("ascii")}"{parameters}\r\n\r\n'
    body = b"".join([b"--%b\r\n%b\r\n" % (boundary, part) for part in parts])
    return head.encode("ascii") + body + b"--%b--\r\n" % boundary


def text_part(kind: str, text: str) -> bytes:
    """A text part with its own header: in 7 bits where its lines allow it, so that links stay whole, else encoded."""
    data = _LINE_END.sub("\n", text.replace("\0", "")).encode("utf-8", "replace")
    if data.isascii() and all(len(line) <= headers.LONGEST_LINE for line in data.split(b"\n")):
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
    rich = text_part("html", html)
    if not related:
        return rich
    return _multipart("related", [rich, *map(_picture_part, related)], '; type="text/html"')


def _mostly_ascii(data: bytes) -> bool:
    # An octet that is escaped takes three; base64 takes four thirds of everything.
    return 6 * len(data.translate(None, bytes(range(128)))) < len(data)


def _picture_part(picture: Picture) -> bytes:
    id_ = headers.message_id(picture.content_id)
    head = f"Content-Type: {_media_type(picture.content_type)}\r\nContent-ID: {id_}\r\n"
    head += "Content-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode("ascii") + b"".join(_base64_stream([picture.data]))


def _media_type(content_type: str) -> str:
    # Whoever uploads a file names its type: a multipart in base64 (RFC 2045 §6.4) would be read as no file at all.
    is_one = _TOKEN.fullmatch(content_type) and not content_type.lower().startswith("multipart/")
    return content_type if is_one else "application/octet-stream"


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
    if headers.MESSAGE_ID.fullmatch(found.content_id):
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
