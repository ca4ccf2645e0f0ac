"""Passcodes as numbers: derived from what they are bound to, and read from what a person types."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator

from portal.keys.binding import bound

DIGITS = 8
LONGEST_TYPED = 600
"""Characters that are looked at; the whole mail with the passcode is fewer, a pasted page is no passcode."""
_WORD_BYTES = 4
_CODES: int = 10**DIGITS
_AMONG_WORDS = re.compile(r"(?<!\d)\d{8}(?!\d)")
_FAIR: int = 256**_WORD_BYTES // _CODES * _CODES
"""Words from here on would make the low codes likelier than the high ones, so they are thrown away."""


def derive(secret: bytes, *bound_to: bytes) -> str:
    """The passcode (8 digits) for what it is bound to. Nothing is stored: a dump of any store gives no code."""
    return f"{reduce(_words(secret, bound('letterlock passcode v1', *bound_to))):0{DIGITS}d}"


def reduce(words: Iterable[int]) -> int:
    """The first word that favours no code, as a number below 10**8; words are 32 bits, so 1 in 44 is thrown away."""
    return next(word for word in words if word < _FAIR) % _CODES


def _words(secret: bytes, message: bytes) -> Iterator[int]:
    """Endless 32-bit words: HMAC-SHA-256 (RFC 2104) over the message and a block number."""
    block = 0
    while True:
        digest = hmac.new(secret, block.to_bytes(4, "big") + message, hashlib.sha256).digest()
        for start in range(0, len(digest), _WORD_BYTES):
            yield int.from_bytes(digest[start : start + _WORD_BYTES], "big")
        block += 1


def digits_of(typed: str) -> str:
    """The digits in what was typed, as 0 to 9: any script's decimal digits count, all else is left out.

    So spaces, dashes and a pasted full stop do no harm, full-width and Arabic-Indic digits are read. Of a pasted
    sentence or mail, with a time or a reference in it, only the passcode counts: its one run of eight digits.
    """
    read = "".join(_as_ascii(character) for character in typed[:LONGEST_TYPED])
    digits = "".join(character for character in read if character != " ")
    runs = set(_AMONG_WORDS.findall(read))
    return runs.pop() if len(digits) > DIGITS and len(runs) == 1 else digits


def _as_ascii(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return " " if value is None else str(value)


def same(typed: str, code: str) -> bool:
    """Whether they are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(typed.encode(), code.encode())
