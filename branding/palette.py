"""One brand colour in, a whole palette out, whose text and controls can be read in both themes.

Kept for every colour (WCAG 2.2, 1.4.3 and 1.4.11), as `pairs` lists and tests/branding/test_palette.py proves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache

HEX = re.compile(r"#?([0-9a-fA-F]{6})")
WHITE, BLACK = "#ffffff", "#11151b"
Channels = tuple[float, float, float]


@dataclass(frozen=True)
class Paper:
    """What a theme gives and no brand changes: page, sheet, ink and quiet ink, as in static/css/tokens.css."""

    bg: str
    surface: str
    ink: str
    quiet: str
    dark: bool


LIGHT = Paper("#f5f4f0", "#ffffff", "#1a212b", "#535d6b", dark=False)
DARK = Paper("#12161b", "#1a2027", "#e9ebee", "#a9b2be", dark=True)


@dataclass(frozen=True)
class Tones:
    """The eight tokens of a brand in one theme, as #rrggbb; a field `on_accent` is the token --on-accent."""

    brand: str
    accent: str
    on_accent: str
    accent_hover: str
    accent_edge: str
    accent_ink: str
    accent_soft: str
    accent_line: str


@dataclass(frozen=True)
class Palette:
    """A brand's tones on light and on dark paper."""

    light: Tones
    dark: Tones


@lru_cache(maxsize=256)
def palette(colour: str) -> Palette:
    """The palette of a colour such as #14594f.

    Raises:
        ValueError: the text is not six hex digits.
    """
    return Palette(_tones(colour, LIGHT), _tones(colour, DARK))


def css(colour: str) -> str:
    """The stylesheet that puts a brand's palette in place of the default one."""
    made = palette(colour)
    light, dark = (f":root {{\n{_tokens(tones)}}}\n" for tones in (made.light, made.dark))
    return f"{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"


def pairs(tones: Tones, paper: Paper) -> list[tuple[str, float, float]]:
    """Each pair that must be readable: what it is, its contrast, the contrast it needs."""
    return [(name, contrast(ink, ground), needs) for name, ink, ground, needs in samples(tones, paper)]


def samples(tones: Tones, paper: Paper) -> list[tuple[str, str, str, float]]:
    """Each pair that must be readable: what it is, its two colours (the second behind), the contrast it needs."""
    return [
        ("Button label", tones.on_accent, tones.accent, 4.5),
        ("Button label, hovered", tones.on_accent, tones.accent_hover, 4.5),
        ("Link on sheet", tones.accent_ink, paper.surface, 4.5),
        ("Link on page", tones.accent_ink, paper.bg, 4.5),
        ("Link in tinted panel", tones.accent_ink, tones.accent_soft, 4.5),
        ("Text in tinted panel", paper.ink, tones.accent_soft, 7.0),
        ("Quiet text in tinted panel", paper.quiet, tones.accent_soft, 4.5),
        ("Outline on sheet", tones.accent_edge, paper.surface, 3.0),
        ("Outline on page", tones.accent_edge, paper.bg, 3.0),
    ]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, “contrast ratio”)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=4096)
def as_ink(colour: str, paper: Paper) -> str:
    """A colour of text on white, for text on that dark paper: its hue, and its contrast within what can be read."""
    before, most = contrast(colour, WHITE), contrast(paper.ink, paper.surface)
    if before > 20:
        return paper.ink
    return _walk(colour, lambda c: contrast(c, paper.surface) >= min(max(before, 4.6), most), +1)


def _tokens(tones: Tones) -> str:
    return "".join(f"  --{f.name.replace('_', '-')}: {getattr(tones, f.name)};\n" for f in fields(tones))


def _tones(colour: str, paper: Paper) -> Tones:
    brand = _to_hex(_channels(colour))
    _, chroma, hue = _to_oklch(brand)
    away = 1 if paper.dark else -1  # the direction that raises contrast against the paper
    accent, label = _fill(brand, paper, away)
    soft, line = _tint(chroma, hue, paper.dark)
    return Tones(
        brand=brand,
        accent=accent,
        on_accent=label,
        accent_hover=_hover(accent, label),
        accent_edge=_walk(accent, lambda c: min(contrast(c, paper.surface), contrast(c, paper.bg)) >= 3.1, away),
        accent_ink=_walk(
            brand,
            lambda c: min(contrast(c, paper.surface), contrast(c, paper.bg), contrast(c, soft)) >= 4.6,
            away,
            0.17,
        ),
        accent_soft=soft,
        accent_line=line,
    )


def _fill(brand: str, paper: Paper, away: int) -> tuple[str, str]:
    """The button's fill and label: the brand colour unchanged wherever a label can be read on it."""
    fill = brand
    if paper.dark and contrast(fill, paper.surface) < 3.0:  # a dark brand would sink into a dark page
        fill = _walk(fill, lambda c: contrast(c, paper.surface) >= 3.0, +1)
    if _label(fill) is None:
        fill = _walk(fill, lambda c: _label(c) is not None, away)
    return fill, _label(fill) or WHITE


def _label(fill: str) -> str | None:
    """White where it can be read, which people know as a button; else the dark label; else none."""
    return next((label for label in (WHITE, BLACK) if contrast(fill, label) >= 4.5), None)


def _hover(accent: str, label: str) -> str:
    """A visible step that never takes the label under the limit."""
    lightness, chroma, hue = _to_oklch(accent)
    hover = _from_oklch(lightness + (-0.045 if label == WHITE else 0.045), chroma, hue)
    return hover if contrast(hover, label) >= 4.5 else accent


def _tint(chroma: float, hue: float, dark: bool) -> tuple[str, str]:
    """The tinted panel and its line."""
    if dark:
        return _from_oklch(0.285, min(chroma, 0.035), hue), _from_oklch(0.40, min(chroma, 0.05), hue)
    return _from_oklch(0.965, min(chroma, 0.014), hue), _from_oklch(0.885, min(chroma, 0.035), hue)


def _walk(colour: str, fits: Callable[[str], bool], direction: int, most_chroma: float = 0.4) -> str:
    """Move a colour's lightness, keeping its hue, until it fits."""
    lightness, chroma, hue = _to_oklch(colour)
    chroma = min(chroma, most_chroma)
    found = _from_oklch(lightness, chroma, hue)
    while not fits(found):
        lightness += direction * 0.005
        if not 0 <= lightness <= 1:
            return "#000000" if direction < 0 else WHITE
        found = _from_oklch(lightness, chroma, hue)
    return found


# sRGB and OKLCH (Ottosson 2020, “A perceptual color space for image processing”)


def _channels(text: str) -> Channels:
    match = HEX.fullmatch(text.strip())
    if not match:
        raise ValueError("Enter a colour as six hex digits, like #14594F.")
    red, green, blue = (int(match[1][at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def _to_hex(channels: Channels) -> str:
    return "#" + "".join(f"{round(min(1, max(0, c)) * 255):02x}" for c in channels)


def _linear(text: str) -> Channels:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(text))
    return red, green, blue


def _gamma(c: float) -> float:
    return 12.92 * c if c <= 0.0031308 else 1.055 * max(c, 0.0) ** (1 / 2.4) - 0.055


@lru_cache(maxsize=4096)
def _luminance(text: str) -> float:
    red, green, blue = _linear(text)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _to_oklch(text: str) -> tuple[float, float, float]:
    red, green, blue = _linear(text)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360


def _raw(lightness: float, chroma: float, hue: float) -> Channels:
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _gamma(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
        _gamma(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
        _gamma(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short),
    )


def _from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """The colour, with as much of its chroma as sRGB has at that hue and lightness."""

    def exists(amount: float) -> bool:
        return all(-1e-4 <= c <= 1.0001 for c in _raw(lightness, amount, hue))

    lightness = min(1.0, max(0.0, lightness))
    if exists(chroma):
        return _to_hex(_raw(lightness, chroma, hue))
    low, high = 0.0, chroma
    for _ in range(18):
        middle = (low + high) / 2
        low, high = (middle, high) if exists(middle) else (low, middle)
    return _to_hex(_raw(lightness, low, hue))
