"""Bytes to text for whatever character set mail claims to be in."""

import codecs
import re

from portal.mime.keeping import kept

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:()+-]{0,39}\Z")

# Codecs of Python that are no character sets: they run code-like escapes or take quadratic time.
_REFUSED = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}

# What senders mean, where it differs from what they say (WHATWG Encoding Standard §4.2, and mail practice), by codec.
_MEANT = {
    "cp1252": "iso-8859-1 iso8859-1 iso88591 latin1 latin-1 l1 cp819 ibm819 iso-ir-100 csisolatin1 iso-8859-1:1987"
    " windows-1252 x-cp1252 ansi",
    "us-ascii": "us-ascii ascii ansi-x3.4-1968 646 iso646-us iso-ir-6",
    "utf-8": "utf8mb4 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "iso8859-2": "iso88592 iso-8859-2:1987",
    "iso8859-3": "iso88593",
    "iso8859-4": "iso88594",
    "iso8859-5": "iso88595",
    "iso8859-6": "iso88596 csiso88596e csiso88596i iso-8859-6-e iso-8859-6-i",
    "iso8859-7": "iso88597 sun-eu-greek",
    # The order of the letters is the reader's to find, by whatever name it goes.
    "iso8859-8": "iso88598 csiso88598e csiso88598i iso-8859-8-e iso-8859-8-i visual logical",
    "cp1254": "iso-8859-9 iso8859-9 iso88599 iso-8859-9:1989 latin5 l5 iso-ir-148 csisolatin5 x-cp1254",
    "iso8859-10": "iso885910",
    "iso8859-13": "iso885913",
    "iso8859-14": "iso885914",
    "iso8859-15": "iso885915 csisolatin9",
    "cp874": "tis-620 dos-874 windows-874 iso-8859-11 iso8859-11 iso885911",
    "koi8-r": "koi koi8 cskoi8r",
    "koi8-u": "koi8-ru",
    "mac-roman": "mac csmacintosh x-mac-roman",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": "gb2312 gb-2312 gb-2312-80 gbk x-gbk chinese csgb2312 csiso58gb231280 iso-ir-58 cp936 ms936 x-euc-cn"
    " euc-cn",
    "big5hkscs": "big5 cn-big5 x-x-big5 csbig5 big5-tw",
    "cp949": "euc-kr euckr ks-c-5601 ks-c-5601-1987 ks-c-5601-1989 ksc5601 ksc-5601 korean cseuckr csksc56011987"
    " iso-ir-149 windows-949 ms949 uhc",
    "cp932": "shift-jis x-sjis sjis csshiftjis ms-kanji ms932 windows-31j mskanji",
    "euc_jp": "x-euc-jp cseucpkdfmtjapanese",
    "utf-16-be": "unicodefffe utf-16be",
    # Without a byte order mark it is little-endian on the web and in what Windows writes, not what RFC 2781 §4.3 asks.
    "utf-16": "utf-16 unicode csunicode ucs-2 iso-10646-ucs-2 unicodefeff",
    "utf-7": "utf-7 utf7 csutf7 unicode-1-1-utf-7 x-unicode-1-1-utf-7",
    "cp037": "ebcdic-cp-us",
    "cp858": "ibm00858",
    **{f"cp{number}": f"x-cp{number}" for number in (1250, 1251, 1253, 1255, 1256, 1257, 1258)},
}
_CODEC_OF = {label: codec for codec, labels in _MEANT.items() for label in labels.split()}
_CODEPAGES = {
    1200: "utf-16",
    10000: "macintosh",
    20127: "us-ascii",
    20866: "koi8-r",
    20932: "euc-jp",
    21866: "koi8-u",
    50220: "iso-2022-jp",
    50221: "iso-2022-jp",
    50222: "iso-2022-jp",
    50225: "iso-2022-kr",
    51932: "euc-jp",
    51936: "gb18030",
    51949: "euc-kr",
    52936: "hz-gb-2312",
    54936: "gb18030",
    65000: "utf-7",
    65001: "utf-8",
}
_OFTEN_LYING = {"us-ascii", "cp1252"}
_ESCAPED = re.compile(rb"\x1b(\$[@B]|\([BIJ])([^\x1b]*+)")
_EUC_RUN = re.compile(rb"\x8e([\xa1-\xdf])|(?:[\xa1-\xfe]{2})++")


@kept
def _codec(charset: str) -> str | None:
    """Python's codec for a charset label, or None when the label is unknown or names no character set."""
    label = charset.strip().strip("\"'").lower().replace("_", "-")
    label = _CODEC_OF.get(label, label)
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


_PROBE = "Aa0 -."


@kept
def is_written_otherwise(charset: str) -> bool:
    """Whether plain letters and digits have other bytes in it than in ASCII: UTF-16, UTF-7, EBCDIC."""
    codec = _codec(charset)
    if codec is None or codec in _OFTEN_LYING:
        return False
    try:
        return codec == "utf-7" or _PROBE.encode(codec) != _PROBE.encode()
    except (UnicodeError, ValueError):
        return True


def _decoded(data: bytes, charset: str) -> str:
    codec = _codec(charset) if charset else None
    if codec is None and data[:2] in (b"\xff\xfe", b"\xfe\xff") and len(data) % 2 == 0:
        codec = "utf-16"
    if codec == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        codec = "utf-16-le"
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
    if codec == "iso2022_jp" and b"\x1b" in data:
        return _ESCAPED.sub(_jis_run, data).decode("cp932", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if codec == "euc_jp":
        return _EUC_RUN.sub(_euc_run, data).decode("cp932", "replace")
    return data.decode(codec, "replace")


def _euc_run(match: re.Match[bytes]) -> bytes:
    return match[1] or _shifted(bytes(letter & 0x7F for letter in match[0]))


def _jis_run(match: re.Match[bytes]) -> bytes:
    """A run of ISO-2022-JP in Shift JIS: mail programs write the vendors' characters in it that Python's codec refuses
    (① and the like, WHATWG Encoding Standard §12.2)."""
    escape, letters = match[1], match[2]
    if escape in (b"(B", b"(J"):
        return letters
    if escape == b"(I":
        return bytes(letter | 0x80 for letter in letters)
    runs = re.split(rb"([\x00-\x20]+)", letters)  # a line may end without the escape that should be before it
    return b"".join(_shifted(run) if place % 2 == 0 else run for place, run in enumerate(runs))


def _shifted(letters: bytes) -> bytes:
    """Pairs of JIS X 0208 as pairs of Shift JIS."""
    shifted = bytearray()
    for row, cell in zip(letters[::2], letters[1::2], strict=False):
        shifted.append((row + 1) // 2 + (0x70 if row < 0x5F else 0xB0))
        shifted.append(cell + (0x7E if row % 2 == 0 else 0x20 if cell >= 0x60 else 0x1F))
    return bytes(shifted)


def _mostly_utf8(data: bytes) -> str:
    """Text declared as UTF-8 that is not: a few bad bytes are marked, many mean that it was Windows-1252."""
    marked = data.decode("utf-8", "replace")
    right = sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", marked)))
    return marked if right >= marked.count("\ufffd") else data.decode("cp1252", "replace")


def of_codepage(number: int) -> str:
    """The label of a Windows code page; "" for none that is known."""
    if number in _CODEPAGES:
        return _CODEPAGES[number]
    if 28591 <= number <= 28606:
        return f"iso-8859-{number - 28590}"
    return f"cp{number}" if 37 <= number <= 1361 else ""
