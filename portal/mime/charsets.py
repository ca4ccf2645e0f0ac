"""Bytes to text for whatever character set mail claims to be in."""

import codecs
import re
from functools import lru_cache

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:()+-]{0,39}\Z")

# Codecs of Python that are no character sets: they run code-like escapes or take quadratic time.
_REFUSED = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}

# What senders mean, where it differs from what they say (WHATWG Encoding Standard §4.2, and mail practice).
_MEANT = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "windows-1252": "cp1252",
    "ascii": "us-ascii",
    "ansi-x3.4-1968": "us-ascii",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks-c-5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "tis-620": "cp874",
    "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8",
    "ebcdic-cp-us": "cp037",
}
_OFTEN_LYING = {"us-ascii", "cp1252"}


@lru_cache(maxsize=256)
def _codec(charset: str) -> str | None:
    """Python's codec for a charset label, or None when the label is unknown or names no character set."""
    label = charset.strip().strip("\"'").lower().replace("_", "-")
    label = _MEANT.get(label, label)
    if label == "us-ascii" or label == "cp1252":
        return label
    if not _NAME.match(label) or label in _REFUSED:
        return None
    try:
        found = codecs.lookup(label)
    except (LookupError, ValueError, ImportError):
        return None
    if not getattr(found, "_is_text_encoding", True) or found.name in {"idna", "punycode"}:
        return None
    return found.name


def decode(data: bytes, charset: str = "") -> str:
    """Text of `data`, which claims to be in `charset`; never raises, NUL and byte order mark are dropped.

    A label that is missing, unknown or contradicted by the bytes gives way to UTF-8, then Windows-1252.
    """
    text = _decoded(data, charset)
    if text.startswith("\ufeff"):
        text = text[1:]
    return text.replace("\0", "") if "\0" in text else text


def _decoded(data: bytes, charset: str) -> str:
    codec = _codec(charset) if charset else None
    if codec is None or codec in _OFTEN_LYING or codec == "utf-8":
        # Text that is valid UTF-8 with non-ASCII in it is, in practice, never anything else.
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode("cp1252", "replace") if codec != "utf-8" else _mostly_utf8(data)
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(codec, "replace")


def _mostly_utf8(data: bytes) -> str:
    """Text declared as UTF-8 that is not: a few bad bytes are marked, many mean that it was Windows-1252."""
    marked = data.decode("utf-8", "replace")
    right = sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", marked)))
    return marked if right >= marked.count("\ufffd") else data.decode("cp1252", "replace")
