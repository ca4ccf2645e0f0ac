"""Header fields: finding, unfolding and decoding them (RFC 5322 §2.2, RFC 2047, RFC 2231)."""

import binascii
import re
from urllib.parse import unquote_to_bytes

from portal.mime import charsets
from portal.mime.keeping import kept

# A run of complete header lines. A line that starts with "--" is a delimiter of multipart, never a field; the first
# line may be an mbox "From " line. Possessive, so that no input makes it go back.
HEADER_RUN = re.compile(
    rb"(?:\A>?From [^\n]*+\n)?+(?:(?!--)[!-9;-~]++[ \t]*+:[^\n]*+\n|[ \t][^\n]*+\n)*+",
)
FIELD_START = re.compile(rb"(?!--)[!-9;-~]++[ \t]*+:|[ \t]|>?From ")
_LAST_LINE = re.compile(rb"(?!--)[!-9;-~]++[ \t]*+:[^\n]*+\Z|[ \t][^\n]*+\Z")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FOLD = re.compile(r"\n ++")
_WORD = re.compile(r"=\?([!->@-~]{1,60})\?([bBqQ])\?([^?\r\n]*+)\?=")
_NEIGHBOURS = re.compile(r"(\?[bBqQ]\?[^?\s]*+\?=)[ \t]*+(?==\?[!->@-~]{1,60}\?[bBqQ]\?)")
# Matches at every ";", also where no parameter follows: else the search would try each ";" of a long run anew.
_PARAMETER = re.compile(r';[;\s]*+(?:([^\s=;"]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"?|[^;]*+))?+', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_MOST_RUNS = 10_000
_MARK = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OVERRIDES = {0x202D: None, 0x202E: None}
_ENDS = {"\u202a": "\u202c", "\u202b": "\u202c", "\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}
_MOST_MARKS = 1000


def header_end(raw: bytes) -> tuple[int, int]:
    """Where the header block of `raw` ends and where its body starts (offsets); equal when no empty line parts them."""
    match = HEADER_RUN.match(raw)
    end = match.end() if match else 0
    if raw[end : end + 1] == b"\n":
        return end, end + 1
    if raw[end : end + 2] == b"\r\n":
        return end, end + 2
    if _LAST_LINE.match(raw, end):
        return len(raw), len(raw)
    return end, end


def stray_fields(raw: bytes) -> list[tuple[str, str]]:
    """Fields behind a line that is none and so ended the header without an empty line; [] for mail as it should be.

    A byte order mark or a line of junk makes the rest of a header text of the body (RFC 5322 §2.1). What it asked for
    is still what its sender asked for.
    """
    end, body = header_end(raw)
    if end != body or body == len(raw):
        return []
    rest = raw[body : body + 256 * 1024].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return [(name.lstrip("\ufeff"), value) for name, value in raw_fields(rest)]


def read_headers(block: bytes) -> tuple[tuple[str, str], ...]:
    """The fields of a header block (as `Watcher.header_block` gives it) in order, decoded, one line each."""
    return decoded(raw_fields(block[: header_end(block)[0]]))


def decoded(fields: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The same fields, their encoded words decoded."""
    return tuple([field if "=?" not in field[1] else (field[0], decode_words(field[1])) for field in fields])


def raw_fields(block: bytes) -> list[tuple[str, str]]:
    """Names and unfolded values of a header block, in order, encoded words not decoded, without control characters.

    8-bit text is read as UTF-8, line by line as something else where it is none.
    """
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError:
        text = "\n".join([charsets.decode(line, "utf-8") for line in block.split(b"\n")])
    text = text.replace("\r\n", "\n").replace("\t", " ")
    if not text.replace("\n", "").isprintable() and _CONTROL.search(text):  # the first test is the quick one
        text = _CONTROL.sub("", re.sub("[\r\x85\u2028\u2029]", " ", text))
    if "\n " in text:
        text = _FOLD.sub(" ", text)
    fields: list[tuple[str, str]] = []
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        name = name.rstrip(" ")
        if colon and name and " " not in name:
            fields.append((name, value.strip()))
    return fields


def one_line(value: str) -> str:
    """`value` on one line: tabs and line ends become spaces, other control characters go."""
    if "\n" not in value and _CONTROL.search(value) is None:
        return value
    return _CONTROL.sub("", re.sub(r"[\t\r\n\x85\u2028\u2029]", " ", value))


def settled(text: str) -> str:
    """A line whose direction marks end with it: overrides, which make text read backwards, go; embeddings and isolates
    that it leaves open are closed (Unicode Standard Annex 9 §2), so that nothing behind it is turned around."""
    if text.isascii() or _MARK.search(text) is None:
        return text
    marks = _MARK.findall(text)
    if len(marks) > _MOST_MARKS:
        return _MARK.sub("", text)
    text = text.translate(_OVERRIDES)
    open_: list[str] = []
    for mark in marks:
        if mark in _ENDS:
            open_.append(_ENDS[mark])
        elif mark in open_:
            while open_.pop() != mark:  # an isolate's end ends what is embedded in it as well
                pass
    return text + "".join(reversed(open_))


def decode_words(value: str) -> str:
    """`value` with its encoded words (RFC 2047 §2) read, as one clean line; what cannot be decoded stays as it is."""
    if "=?" not in value:
        return value
    if _NEIGHBOURS.search(value):
        value = _joined_words(value)
    return one_line(_WORD.sub(_word, value))


def _joined_words(value: str) -> str:
    """Neighbouring words without the space between them (§6.2); same charset and encoding become one word.

    Senders split characters of several bytes between two words; joining first keeps them whole.
    """
    value = _NEIGHBOURS.sub(r"\1", value)
    pieces: list[str] = []
    end = 0
    last: re.Match[str] | None = None
    for match in _WORD.finditer(value):
        if last is not None and match.start() == end and _same_coding(last, match):
            pieces[-1] = pieces[-1][:-2] + match[3] + "?="
        else:
            pieces += [value[end : match.start()], match[0]]
        last, end = match, match.end()
    return "".join(pieces) + value[end:]


def _same_coding(one: re.Match[str], other: re.Match[str]) -> bool:
    if (one[1].lower(), one[2].lower()) != (other[1].lower(), other[2].lower()):
        return False
    return one[2] in "qQ" or not one[3].endswith("=")


def _word(match: re.Match[str]) -> str:
    charset = match[1].partition("*")[0]
    try:
        data = match[3].encode("ascii")
    except UnicodeEncodeError:
        data = match[3].encode("utf-8", "replace")
    data = binascii.a2b_qp(data, header=True) if match[2] in "qQ" else lenient_base64(data)
    return charsets.decode(data, charset)


def lenient_base64(data: bytes) -> bytes:
    """The bytes of base64 with junk in it, missing padding or several padded runs; never raises."""
    padding = data.find(b"=")
    if padding < 0 or not data[padding:].strip(b"= \t\r\n"):
        try:
            return binascii.a2b_base64(data)
        except binascii.Error:
            pass
    # Padding ends a run, and mail has a few at most; as many as letters would take a hundred times the memory.
    runs = data.split(b"=") if data.count(b"=") <= _MOST_RUNS else [data]
    return b"".join([_run(_NOT_BASE64.sub(b"", run)) for run in runs])


def _run(letters: bytes) -> bytes:
    if len(letters) % 4 == 1:  # six bits are no byte
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


@kept
def text_settings(content_type: str) -> dict[str, str]:
    """The parameters of a text part's Content-Type; treat the dictionary as read-only."""
    return parameters(content_type)[1]


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """The lower-case token before the first ";" and its parameters, of Content-Type or Content-Disposition.

    Split and encoded parameters (RFC 2231 §3, §4) are put together; the first of equal names wins.
    """
    token, semicolon, _ = value.partition(";")
    token = token.strip().lower()
    if not semicolon:
        return token, {}
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, text in _PARAMETER.findall(value[len(value.partition(";")[0]) :]):
        if not name:
            continue
        text = _QUOTED_PAIR.sub(r"\1", text[1:].removesuffix('"')) if text.startswith('"') else text.strip()
        base, star, rest = name.lower().partition("*")
        if not star:
            plain.setdefault(base, text)
            continue
        encoded = rest.endswith("*") or not rest
        number = rest.removesuffix("*") or "0"
        if len(number) <= 3 and number.isascii() and number.isdigit():
            pieces.setdefault(base, {}).setdefault(int(number), (encoded, text))
    for base, numbered in pieces.items():
        plain[base] = _assembled(numbered)
    return token, plain


def _assembled(numbered: dict[int, tuple[bool, str]]) -> str:
    charset = ""
    data = b""
    for place, number in enumerate(sorted(numbered)):
        encoded, text = numbered[number]
        if encoded and place == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        data += unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace")
    return charsets.decode(data, charset)
