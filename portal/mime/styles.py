"""Keeps of a style attribute what can only change how text looks."""

import re

LONGEST = 4000  # characters of one style attribute

_COMMENT = re.compile(r"/\*(?:(?!\*/).)*+(?:\*/|\Z)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[ \t\r\n\f])?|(.))", re.DOTALL)
_ACTIVE = re.compile(
    r"url\s*\(|image(?:-set)?\s*\(|element\s*\(|@import|expression\s*\(|-moz-binding|behaviou?r\s*:|javascript\s*:|vbscript\s*:",
    re.IGNORECASE,
)
_URL = re.compile(r"""url\s*+\(\s*+(?:"[^"]*+"\s*+|'[^']*+'\s*+|[^)"']*+)\)""", re.IGNORECASE)

_NUMBER = r"[+-]?(?:\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})"
_LENGTH = rf"{_NUMBER}(?:px|pt|pc|em|ex|rem|ch|cm|mm|in|q|vw|vh|%)?"
_COLOUR = r"#[0-9a-f]{3,8}|(?:rgb|hsl)a?\(\s*[0-9a-z.,%/\s+-]{1,60}\)"
_WORD = r"[a-z][a-z0-9-]{0,40}"
_VALUE = re.compile(rf"(?:(?:{_LENGTH}|{_COLOUR}|{_WORD})(?:\s*[,/]\s*|\s+|\Z)){{1,24}}", re.IGNORECASE)
_FAMILY = re.compile(r"""(?:"[\w .-]{1,60}"|'[\w .-]{1,60}'|[\w-]{1,60}(?:\s+[\w-]{1,60}){0,6})(?:\s*,\s*|\Z)""")
_IMPORTANT = re.compile(r"(?<!\s)\s*+!\s*+important\s*+\Z", re.IGNORECASE)

_SIDES = ("top", "right", "bottom", "left")
PROPERTIES = frozenset(
    [
        "background",
        "background-color",
        "border-collapse",
        "border-radius",
        "border-spacing",
        "caption-side",
        "clear",
        "color",
        "direction",
        "display",
        "empty-cells",
        "float",
        "font",
        "font-family",
        "font-size",
        "font-style",
        "font-variant",
        "font-weight",
        "height",
        "letter-spacing",
        "line-height",
        "list-style",
        "list-style-position",
        "list-style-type",
        "max-height",
        "max-width",
        "min-height",
        "min-width",
        "overflow-wrap",
        "table-layout",
        "text-align",
        "text-decoration",
        "text-decoration-color",
        "text-decoration-line",
        "text-decoration-style",
        "text-indent",
        "text-transform",
        "unicode-bidi",
        "vertical-align",
        "white-space",
        "width",
        "word-break",
        "word-spacing",
        "word-wrap",
    ]
    + [f"{box}{side}" for box in ("margin", "padding") for side in ("", *(f"-{side}" for side in _SIDES))]
    + ["border", "border-color", "border-style", "border-width"]
    + [f"border-{side}{what}" for side in _SIDES for what in ("", "-color", "-style", "-width")]
)


def clean_style(style: str, keep: bool = True) -> tuple[str, bool]:
    """The allowed declarations of a style attribute, and whether something active (a fetch, a script) was taken out.

    Escapes and comments are resolved first, so that `u\\72l(` is seen as what it is (CSS Syntax 3 §4.3.7).
    """
    if len(style) > LONGEST:
        return "", _ACTIVE.search(style) is not None
    text = style
    if "/*" in text:
        text = _COMMENT.sub(" ", text)
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    active = _ACTIVE.search(text) is not None or _ACTIVE.search(style) is not None
    if not keep:
        return "", active
    if active:
        text = _URL.sub(" ", text)
    return ";".join([kept for piece in text.split(";") if (kept := _declaration(piece))]), active


def _unescaped(match: re.Match[str]) -> str:
    if not match[1]:
        return match[2]
    code = int(match[1], 16)
    return chr(code) if 0 < code < 0xD800 or 0xDFFF < code <= 0x10FFFF else "\ufffd"


def _declaration(piece: str) -> str:
    name, colon, value = piece.partition(":")
    name = name.strip().lower()
    if not colon or name not in PROPERTIES:
        return ""
    value = value.strip()
    important = _IMPORTANT.search(value)
    if important:
        value = value[: important.start()]
    if not value or len(value) > 300 or not _plain(name, value):
        return ""
    return f"{name}:{value}{' !important' if important else ''}"


def _plain(name: str, value: str) -> bool:
    """Whether a value holds only words, numbers and colours, or the names of fonts."""
    if name == "font-family":
        return _repeats(_FAMILY, value)
    if name == "font" and ("," in value or '"' in value or "'" in value):
        head, comma, families = value.partition(",")
        first, _, family = head.rpartition(" ")
        return _VALUE.fullmatch(first.strip()) is not None and _repeats(_FAMILY, family + comma + families)
    return _VALUE.fullmatch(value) is not None


def _repeats(pattern: re.Pattern[str], value: str) -> bool:
    position = 0
    while position < len(value):
        match = pattern.match(value, position)
        if match is None:
            return False
        position = match.end()
    return True
