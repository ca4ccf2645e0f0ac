"""The body of a request, read as JSON that can mean one thing only (RFC 8259), within limits."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from django.http import HttpRequest, UnreadablePostError

from portal.api.errors import BodyCut, BodyTooLarge, JsonRefused, LengthMissing

DEEPEST = 32
LONGEST_NUMBER = 40
MOST_MARKS = 200_000
"""Brackets, commas and quotation marks: each may become an object of up to 90 bytes in memory."""
_CHUNK = 256 * 1024


def length_of(request: HttpRequest) -> int:
    """Bytes that are to come. Raises LengthMissing: without a length, a body that was cut would look like one that has
    ended."""
    length = request.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit() and len(length) < 16):
        raise LengthMissing
    return int(length)


def chunks(request: HttpRequest, length: int) -> Iterator[bytes]:
    """The body as it comes: it is never in a temporary file. Raises BodyCut."""
    received = 0
    try:
        while chunk := request.read(_CHUNK):
            received += len(chunk)
            yield chunk
    except UnreadablePostError:
        raise BodyCut from None
    if received != length:
        raise BodyCut


def read(request: HttpRequest, most: int) -> bytes:
    """The whole body, of at most so many bytes. Raises LengthMissing, BodyTooLarge, BodyCut."""
    length = length_of(request)
    if length > most:
        raise BodyTooLarge(most)
    return b"".join(chunks(request, length))


def parse(raw: bytes) -> Any:
    """The value. JsonRefused for what is no JSON, or names a field twice, or holds a number that is none or endless."""
    if sum(map(raw.count, (b"[", b"{", b",", b'"'))) > MOST_MARKS:
        raise JsonRefused(f"It holds more than {MOST_MARKS:,} brackets, commas and quotation marks.")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refused_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except (ValueError, RecursionError):
        raise JsonRefused("It cannot be read as JSON in UTF-8.") from None
    if _deeper_than(value, DEEPEST):
        raise JsonRefused(f"It is nested deeper than {DEEPEST} levels.")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Which of two wishes is meant cannot be known, and the weaker one may be the wrong one.
        raise JsonRefused("It names a field twice; name each once.")
    return found


def _refused_constant(_: str) -> NoReturn:
    raise JsonRefused("NaN and Infinity are no JSON.")


def _float(text: str) -> float:
    value = float(text)
    if len(text) > LONGEST_NUMBER or not math.isfinite(value):
        raise JsonRefused(f"It holds a number that is too large, or longer than {LONGEST_NUMBER} characters.")
    return value


def _int(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise JsonRefused(f"It holds a number longer than {LONGEST_NUMBER} characters.")
    return int(text)


def _deeper_than(value: object, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for one in layer
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not layer:
            return False
    return True
