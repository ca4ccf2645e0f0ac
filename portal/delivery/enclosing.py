"""message.html: a page with one button that posts a message's sealed streams to the portal. No script, no key.

`e` is a parcel (portal.vault.parcels) in base64url without padding: letters that a form posts as they are.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Iterator, Mapping

from django.template.loader import render_to_string

from portal.vault import parcels
from portal.vault.errors import MessageAway
from portal.vault.models import Reader
from portal.vault.opening import container_of

NAME = "message.html"
VERSION = "1"


def message_html(reader: Reader, context: Mapping[str, object]) -> tuple[int, Iterator[bytes]]:
    """The file for one reader, its size in bytes and then the bytes; `context` is the notice's.

    Raises MessageAway when the portal does not have the streams any more, SealBroken when they are damaged.
    """
    message = reader.message
    if message.away_at is not None:
        raise MessageAway
    size, pieces = parcels.pack(message, container_of(message))
    # Nobody can have written these letters into a name, so the page parts where they are and nowhere else.
    mark = secrets.token_hex(16)
    page = render_to_string("mail/message.html", {**context, "version": VERSION, "sealed": mark})
    before, _, after = (part.encode() for part in page.partition(mark))
    return len(before) + letters_of(size) + len(after), _around(before, _letters(pieces), after)


def letters_of(size: int) -> int:
    """How many letters `size` bytes make."""
    return (4 * size + 2) // 3


def _around(before: bytes, letters: Iterable[bytes], after: bytes) -> Iterator[bytes]:
    yield before
    yield from letters
    yield after


def _letters(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """base64url (RFC 4648 section 5) of all pieces together, three bytes at a time."""
    rest = b""
    for piece in pieces:
        data = rest + piece
        whole = len(data) - len(data) % 3
        rest = data[whole:]
        yield base64.urlsafe_b64encode(data[:whole])
    yield base64.urlsafe_b64encode(rest).rstrip(b"=")
