"""The paper that a sender's HTML is read on: the reader's own theme where it only colours its text, else a white sheet.

A mail is written for white paper. What chose what is behind its words is shown as it was meant; in everything else each
colour gets a counterpart for the dark, of the same hue and about the same contrast.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape

from branding.colours import NAMES
from branding.palette import DARK, WHITE, as_ink, contrast

MOST_COLOURS = 64
"""Different ones of a mail that are turned; finding a counterpart takes about 0.4 ms."""
_TAG = re.compile(r'<[a-z][a-z0-9]*(?:\s[a-z-]+="[^"]*")+>')
_STYLE = re.compile(r'\sstyle="([^"]*)"')
_BEHIND = re.compile(r'\sbgcolor="([^"]*)"')
_HINT = re.compile(r'\scolor="([^"]*)"')
_COLOURED = re.compile(r"color|border(?:-(?:top|right|bottom|left))?|border-[a-z-]*color|text-decoration(?:-color)?")
_TOKEN = re.compile(r"#[0-9a-f]+|[a-z-]+\([^()]*\)|[a-z][a-z0-9-]*", re.IGNORECASE)
_AMOUNT = re.compile(r"[\d.]+(?:%|[a-z]{2})?")
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})\s*[,\s]\s*(\d{1,3})\s*[,\s]\s*(\d{1,3})\s*(?:[,/]\s*1(?:\.0*)?\s*)?\)")
_DIGITS = re.compile(r"^(?=[0-9a-fA-F]{6}$)")  # as old HTML may write a colour
_NOTHING = frozenset({"", "none", "transparent", "initial", "inherit", "unset", "repeat", "scroll", "no-repeat"})
_OF_THE_THEME = frozenset(
    {"inherit", "initial", "unset", "currentcolor", "windowtext", "canvastext", "text", "auto", "transparent"}
)
_NEARLY_WHITE = 0xF4  # of each channel
_HIDDEN = 2.0  # contrast of text that is not to be seen, or not on white


class _NeedsWhite(Exception):
    """Something in it was chosen for white paper, or cannot be turned."""


def for_both_themes(cleaned: str) -> str | None:
    """HTML as portal.mime.cleaning wrote it, with its colours as `light-dark()` (CSS Color 5, section 4); None where
    it needs white paper in either theme."""
    turned: dict[str, str] = {}
    try:
        return _TAG.sub(lambda tag: _tag(tag[0], turned), cleaned)
    except _NeedsWhite:
        return None


def _tag(tag: str, turned: dict[str, str]) -> str:
    if behind := _BEHIND.search(tag):
        _must_be_white(_DIGITS.sub("#", behind[1]))
        tag = tag.replace(behind[0], "", 1)
    said = ""
    if hint := _HINT.search(tag):
        # No cleaner looked at it as style: nothing but a colour of our own writing becomes one.
        colour = _read(_DIGITS.sub("#", unescape(hint[1])))
        if colour is None:
            raise _NeedsWhite
        tag, said = tag.replace(hint[0], "", 1), f"color:{colour};"
    style = _STYLE.search(tag)
    if not said and style is None:
        return tag
    said += unescape(style[1]) if style else ""
    kept = ";".join([kept for piece in said.split(";") if (kept := _declaration(piece, turned))])
    written = f' style="{escape(kept)}"' if kept else ""
    return tag.replace(style[0], written, 1) if style else f"{tag[:-1]}{written}>"


def _declaration(piece: str, turned: dict[str, str]) -> str:
    name, _, value = piece.partition(":")
    name = name.strip()
    if name in ("background", "background-color"):
        _must_be_white(value)
        return ""
    if not _COLOURED.fullmatch(name):
        return piece
    both = _TOKEN.sub(lambda token: _turned(token[0], name == "color", turned), value)
    # What does not know light-dark() keeps the first, and white paper.
    return piece if both == value else f"{piece};{name}:{both}"


def _must_be_white(value: str) -> None:
    for word in value.replace("!important", "").split() or [value]:
        if word.lower() in _NOTHING or _AMOUNT.fullmatch(word):
            continue
        colour = _read(word) or _read(value.strip())
        if colour is None or min(bytes.fromhex(colour[1:])) < _NEARLY_WHITE:
            raise _NeedsWhite


def _turned(token: str, is_text: bool, turned: dict[str, str]) -> str:
    colour = _read(token)
    if colour is None:
        if is_text and token.lower() not in _OF_THE_THEME | {"important"}:
            raise _NeedsWhite
        if "(" in token or token.startswith("#"):
            raise _NeedsWhite
        return token
    if is_text and contrast(colour, WHITE) < _HIDDEN:
        raise _NeedsWhite
    if colour not in turned:
        if len(turned) >= MOST_COLOURS:
            raise _NeedsWhite
        turned[colour] = f"light-dark({colour},{as_ink(colour, DARK)})"
    return turned[colour]


@lru_cache(maxsize=1024)
def _read(token: str) -> str | None:
    """A colour as #rrggbb; None of what is none, lets something through, or is written in a way of its own."""
    said = token.strip().lower()
    if said in NAMES:
        return NAMES[said]
    if re.fullmatch(r"#[0-9a-f]{3}", said):
        return "#" + "".join(digit * 2 for digit in said[1:])
    if re.fullmatch(r"#[0-9a-f]{6}", said):
        return said
    if (found := _RGB.fullmatch(said)) and all(int(part) <= 255 for part in found.groups()):
        return "#" + "".join(f"{int(part):02x}" for part in found.groups())
    return None
