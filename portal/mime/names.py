"""File names that are safe to store, show and write to any disk."""

import re
import unicodedata
from urllib.parse import quote

LONGEST = 180  # bytes of UTF-8: room for a prefix within the 255 of common file systems
_LONGEST_SUFFIX = 20
_LOOKED_AT = 1000  # characters at each end of a longer name

_PLAIN = re.compile(r"[^\W_](?:[\w()-]| (?! )){0,39}\.[A-Za-z0-9]{1,10}")
_FORBIDDEN = re.compile(r'[<>:"|?*]')  # no disk of Windows takes these; a colon also names a drive or a stream
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])\s*(?:\..*)?", re.IGNORECASE | re.DOTALL
)
_SPACES = re.compile(r"\s+")
_JOINERS = "\u200c\u200d"  # part of words in Persian and Indic scripts, and of emoji

_SUFFIXES = {
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/gzip": ".gz",
    "application/json": ".json",
    "application/xml": ".xml",
    "application/rtf": ".rtf",
    "application/msword": ".doc",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/ms-tnef": ".dat",
    "application/pkcs7-mime": ".p7m",
    "application/pkcs7-signature": ".p7s",
    "application/x-pkcs7-mime": ".p7m",
    "application/x-pkcs7-signature": ".p7s",
    "application/pgp-encrypted": ".asc",
    "application/pgp-signature": ".asc",
    "application/pgp-keys": ".asc",
    "application/ics": ".ics",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/tiff": ".tif",
    "image/webp": ".webp",
    "message/delivery-status": ".txt",
    "message/rfc822": ".eml",
    "message/global": ".eml",
    "text/calendar": ".ics",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/rfc822-headers": ".txt",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "text/xml": ".xml",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
}
_STEMS = {"image": "picture", "message": "message", "audio": "sound", "video": "video", "text": "text"}


def safe_file_name(name: str, content_type: str) -> str:
    """`name` without path, control, direction-changing or device parts, at most 180 bytes of UTF-8; never empty.

    The extension is kept as sent; a name without one, or no name at all, gets that of `content_type`.
    """
    if _PLAIN.fullmatch(name) and _DEVICE.fullmatch(name) is None and unicodedata.is_normalized("NFC", name):
        return name
    name = re.split(r"[/\\]", name)[-1]
    if len(name) > 2 * _LOOKED_AT:  # sorting thousands of accents on one letter takes quadratic time
        name = name[:_LOOKED_AT] + name[-_LOOKED_AT:]
    name = _SPACES.sub(" ", "".join([_visible(character) for character in unicodedata.normalize("NFC", name)]))
    name = _trimmed(_FORBIDDEN.sub("_", name))
    suffix = _SUFFIXES.get(content_type, "")
    if not name:
        name = _STEMS.get(content_type.partition("/")[0], "file") + suffix
    elif "." not in name:
        name += suffix
    if _DEVICE.fullmatch(name):
        name = "_" + name
    return _short(name)


def _trimmed(name: str) -> str:
    # Windows drops dots and spaces at the end; a dot at the start hides a file.
    return name.strip(". \u200c\u200d")


def _visible(character: str) -> str:
    if character.isalnum() or character in _JOINERS:
        return character
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Cn", "Co"} else character


def _short(name: str) -> str:
    if len(name.encode()) <= LONGEST:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > _LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    room = LONGEST - len((dot + suffix).encode())
    stem = stem.encode()[:room].decode("utf-8", "ignore")
    return _trimmed(stem) + dot + suffix


def content_disposition(name: str) -> str:
    """The header value, always one line, that makes a browser save under `name` (RFC 6266 §4, RFC 8187 §3.2)."""
    # "%" in the plain form is decoded by some browsers, so it does not stay.
    plain = re.sub(r'[^ -~]|["\\%;]', "_", name)
    encoded = quote(name.encode("utf-8", "replace"), safe="!#$&+-.^_`|~")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
