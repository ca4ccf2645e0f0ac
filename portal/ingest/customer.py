"""The customer header: what only one organisation's mail carries where many share a mail server's addresses."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from portal.ingest.errors import ConnectorRefused
from portal.mime.fields import raw_fields

_VALUE_BYTES = 24
_NAME = re.compile(r"X-[A-Z0-9-]{1,62}", re.IGNORECASE)
_OURS = re.compile(r"x-letterlock(-seal|-protect)?", re.IGNORECASE)


def check_name(text: str) -> str:
    """A name that may be taken from every mail without harm, or "" for none. Raises ConnectorRefused."""
    if text and (_NAME.fullmatch(text) is None or _OURS.fullmatch(text) is not None):
        raise ConnectorRefused(
            "A customer header begins with X-, has letters, digits and dashes, 64 at most, and is none that the portal "
            "uses itself. Write it like X-Letterlock-Customer."
        )
    return text


def new_value() -> str:
    """192 random bits, in letters and digits that every mail server's form takes as they are."""
    return secrets.token_hex(_VALUE_BYTES)


def digest(value: str) -> str:
    """SHA-256 in hex, which is all that is kept. It needs no salt and no slowness: nobody guesses 192 bits."""
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


def fault(block: bytes, name: str, digests: Iterable[str]) -> str:
    """What is wrong with the header in a mail's header block, to end a sentence; "" when it is there once and good.

    Twice is wrong even where both are good: whoever added one may have done so to mail that had the other.
    """
    values = [value for field, value in raw_fields(block) if field.lower() == name.lower()]
    if len(values) != 1:
        return "is there more than once" if values else "is missing"
    given = digest(values[0])
    # Every one is compared: the time does not say which was the nearest.
    good = [hmac.compare_digest(given, kept) for kept in digests]
    return "" if any(good) else "has another value"
