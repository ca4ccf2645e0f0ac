"""Reading mail: one usual multipart mail, ours beside the standard library."""

from __future__ import annotations

from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from bench.rounds import alternate, cpu
from bench.samples import mail
from bench.table import Row, Target
from portal.mime.reading import read

SIZE = 11_000


def rows() -> list[Row]:
    """All rows of this group."""
    raw = mail(SIZE)
    _same(raw)
    found = alternate(
        {
            "ours": lambda: 1 / cpu(lambda: read(raw), 500),
            "email": lambda: 1 / cpu(lambda: by_email(raw), 20),
        },
        seconds=5,
    )
    return [Row("read an 11 KB mail", "email, policy.default", "/s", found["ours"], found["email"], Target(40))]


@dataclass(frozen=True, slots=True)
class Read:
    """What a page shows of a mail, which both sides must bring."""

    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    files: tuple[tuple[str, str, bytes], ...]


def by_email(raw: bytes) -> Read:
    """What the standard library makes of it."""
    message = message_from_bytes(raw, policy=default)
    if not isinstance(message, EmailMessage):
        raise TypeError
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    text, html = (body.get_content() if isinstance(body, EmailMessage) else "" for body in bodies)
    files = [part for part in message.iter_attachments() if isinstance(part, EmailMessage)]
    return Read(
        tuple((name, str(value)) for name, value in message.items()),
        text,
        html,
        tuple((part.get_filename() or "", part.get_content_type(), part.get_content()) for part in files),
    )


def _same(raw: bytes) -> None:
    """Both sides must have read the same, or their times say nothing. Ours writes line ends of a text as LF."""
    letter, expected = read(raw), by_email(raw)
    expected = replace(expected, text=expected.text.replace("\r\n", "\n"))
    ours = Read(
        letter.headers,
        letter.text or "",
        letter.html or "",
        tuple((part.name, part.content_type, part.data) for part in letter.parts),
    )
    if ours != expected:
        raise AssertionError("portal.mime and email have read different things from the sample")
