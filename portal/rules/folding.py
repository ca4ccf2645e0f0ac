"""One form of a text for comparing: width, case, invisible characters and spaces make no difference."""

from __future__ import annotations

import re
import unicodedata

# Format characters (category Cf): zero widths, soft hyphens, direction marks, tags. They hide a word from a rule.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_NEITHER_WORD_NOR_ASCII = re.compile(r"[^\w\x00-\x7f]+")
_SURROGATE = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """Compatibility forms as one (NFKC), without what cannot be seen; in its own case."""
    if text.isascii():
        return text
    return _INVISIBLE.sub("", _SURROGATE.sub("\ufffd", unicodedata.normalize("NFKC", text)))


def folded(text: str) -> str:
    """The same without regard to case, every run of space one space, and signs outside ASCII as spaces: so that the
    end of a word is an end of the text or a byte of ASCII, whatever its script."""
    if text.isascii():
        return " ".join(text.lower().split())
    text = unicodedata.normalize("NFKC", plain(text).casefold())
    return " ".join(_NEITHER_WORD_NOR_ASCII.sub(" ", text).split())
