"""POST /open/ (M2): what message.html posts is parked as it is, sealed, and the browser goes on to its handle.

A browser sends such a form with `Origin: null` and without any cookie (measured), so there is nothing that it could be
checked by, and nothing that it does but take room for half an hour. Who may open the parcel is asked at the handle.
The body is read piece by piece, from the socket to the blob store: Django's own parser would have all of it in memory
(seen: eight posts of 25 MiB at once take 16 MB).
"""

from __future__ import annotations

import binascii
import logging
import re
import secrets
from collections.abc import Iterator

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt

from portal.access import way_in
from portal.access.errors import TooManyTries
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.keys.errors import KeysError
from portal.reading.failures import no_keys
from portal.vault import parking, readers
from portal.vault.errors import BlobsUnavailable, NoRoom, NotAParcel
from portal.vault.models import Message, Reader
from portal.vault.parcels import FILE_BYTES

log = logging.getLogger(__name__)

_FORM = "application/x-www-form-urlencoded"
_START = re.compile(rb"v=1&m=([0-9a-z]{22})&e=")
_START_BYTES = 31
_PIECE_BYTES = 64 * 1024
_DRAINED_BYTES = 2 * FILE_BYTES
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_STANDARD = bytes.maketrans(b"-_", b"+/")


@csrf_exempt
def open_file(request: Request) -> HttpResponse:
    """Park what is posted and go on to /m/{handle}; the neutral page for everything that message.html does not post."""
    length = _length(request)
    if request.method != "POST" or request.content_type != _FORM or not _START_BYTES < length <= FILE_BYTES:
        return _neutral(request, length)
    letters = length - _START_BYTES
    try:
        reader = _reader(request)
        if reader is None or letters % 4 == 1:
            return _neutral(request, letters)
        handle = parking.park(reader, request.network, letters * 3 // 4, _bytes(_pieces(request, letters)))
    except NotAParcel:
        return _neutral(request, letters)
    except NoRoom as error:
        _drain(request, letters)
        return way_in.too_many_tries(request, TooManyTries(error.until))
    except (KeysError, BlobsUnavailable) as error:
        reference = secrets.token_hex(4)
        log.error("reference %s: a posted message cannot be taken now: %s", reference, error)
        return no_keys(request, reference)
    return see_other(f"/m/{handle}")


def _length(request: Request) -> int:
    given = str(request.META.get("CONTENT_LENGTH") or "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 16 else 0


def _reader(request: Request) -> Reader | None:
    """Whose file it says it is: a link of this brand, to a message that travels in files, open or not."""
    start = _START.fullmatch(_read(request, _START_BYTES))
    reader = readers.by_link(start[1].decode()) if start else None
    if reader is None or reader.parked or reader.message.brand_id != request.brand.pk:
        return None
    return reader if reader.message.delivery == Message.Delivery.ATTACHMENT else None


def _pieces(request: Request, left: int) -> Iterator[bytes]:
    while left > 0:
        piece = _read(request, min(_PIECE_BYTES, left))
        if not piece:
            raise NotAParcel
        left -= len(piece)
        yield piece


def _bytes(letters: Iterator[bytes]) -> Iterator[bytes]:
    """base64url (RFC 4648 section 5) without padding, decoded; NotAParcel at the first other letter."""
    rest = b""
    for piece in letters:
        data = rest + piece
        whole = len(data) - len(data) % 4
        rest = data[whole:]
        yield _decoded(data[:whole])
    yield _decoded(rest + b"=" * (-len(rest) % 4), padding=b"=")


def _decoded(letters: bytes, padding: bytes = b"") -> bytes:
    if letters.translate(None, _LETTERS + padding):
        raise NotAParcel
    return binascii.a2b_base64(letters.translate(_STANDARD))


def _neutral(request: Request, left: int) -> HttpResponse:
    _drain(request, left)
    return way_in.neutral(request)


def _drain(request: Request, left: int) -> None:
    """Read what still comes, if that is not endless: a browser that cannot finish sending shows no answer."""
    left = min(left, _DRAINED_BYTES)
    while left > 0 and (piece := _read(request, min(_PIECE_BYTES, left))):
        left -= len(piece)


def _read(request: Request, size: int) -> bytes:
    try:
        return request.read(size)
    except OSError:  # the browser went away, or was too slow
        return b""
