"""A brand's mark: its initials on its colour, as SVG for pages and as PNG for mails."""

from __future__ import annotations

import math
import re
import struct
import unicodedata
import zlib
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from itertools import pairwise

from branding.palette import palette

WORDS = re.compile(r"[^\W_]+")
TITLES = frozenset({"dr", "prof", "mr", "mrs", "ms"})
Point = tuple[float, float]

# Each capital as pen strokes, 14 units high, y downwards. Drawn here because a mail and a picture can use no font of
# ours, and the mark should look the same in both.
STROKES = {
    "A": "M0 14 L5.5 0 L11 14 M2 9.2 L9 9.2",
    "B": "M0 6.6 L4.5 6.6 C9 6.6 9 0 4.5 0 L0 0 L0 14 L4.8 14 C10.2 14 10.2 6.6 4.8 6.6",
    "C": "M11 2.6 C8.5 -1 0 -1 0 7 C0 15 8.5 15 11 11.4",
    "D": "M0 0 L0 14 L4 14 C12.6 14 12.6 0 4 0 L0 0",
    "E": "M8 0 L0 0 L0 14 L8 14 M0 6.8 L6.8 6.8",
    "F": "M8 0 L0 0 L0 14 M0 7 L6.6 7",
    "G": "M11 2.6 C8.5 -1 0 -1 0 7 C0 16.2 11.4 16.2 11.4 7.8 L6.8 7.8",
    "H": "M0 0 L0 14 M9.6 0 L9.6 14 M0 6.8 L9.6 6.8",
    "I": "M0 0 L0 14",
    "J": "M6.4 0 L6.4 9.6 C6.4 15.4 0 15.4 0 10.6",
    "K": "M0 0 L0 14 M8.8 0 L0 8.4 M3.2 5.4 L9.2 14",
    "L": "M0 0 L0 14 L7.6 14",
    "M": "M0 14 L0 0 L6 9 L12 0 L12 14",
    "N": "M0 14 L0 0 L9.6 14 L9.6 0",
    "O": "M6.6 0 C-2.2 0 -2.2 14 6.6 14 C15.4 14 15.4 0 6.6 0",
    "P": "M0 14 L0 0 L4.8 0 C10 0 10 7.6 4.8 7.6 L0 7.6",
    "Q": "M6.6 0 C-2.2 0 -2.2 14 6.6 14 C15.4 14 15.4 0 6.6 0 M8.4 10.2 L12.6 14.6",
    "R": "M0 14 L0 0 L4.8 0 C10 0 10 7.6 4.8 7.6 L0 7.6 M4.6 7.6 L9.2 14",
    "S": "M8.6 2.2 C6.4 -1 0.4 -0.8 0.4 3.4 C0.4 8.4 9.2 5.4 9.2 10.4 C9.2 15 2.2 15 0 11.4",
    "T": "M0 0 L10.4 0 M5.2 0 L5.2 14",
    "U": "M0 0 L0 8.6 C0 15.8 9.8 15.8 9.8 8.6 L9.8 0",
    "V": "M0 0 L5.4 14 L10.8 0",
    "W": "M0 0 L3.8 14 L7.6 2 L11.4 14 L15.2 0",
    "X": "M0 0 L9.6 14 M9.6 0 L0 14",
    "Y": "M0 0 L5 7.2 L10 0 M5 7.2 L5 14",
    "Z": "M0 0 L9 0 L0 14 L9 14",
}
LOCK = "M0 6 L12 6 L12 14 L0 14 L0 6 M2.6 6 L2.6 3.6 C2.6 -1 9.4 -1 9.4 3.6 L9.4 6"
"""Drawn where the initials are of another script."""
SIDE, CORNER, PEN = 34.0, 9.0, 2.1
"""The tile: its side, its corners' radius, the stroke's width."""
PIXELS = 72


def initials(name: str) -> str:
    """One or two capital letters: of the first and last word of a name, or of an address's local part."""
    words = WORDS.findall(name.partition("@")[0])
    words = [word for word in words if word.lower() not in TITLES] or words
    return "".join(word[0] for word in (*words[:1], *words[1:][-1:])).upper()


def svg(letters: str, colour: str) -> str:
    """The mark as an SVG picture of 34 by 34 units."""
    tones = palette(colour).light
    runs = _placed(letters)
    if runs is None:
        shape = (
            f'<text x="17" y="18" fill="{tones.on_accent}" font-family="sans-serif" font-size="16" font-weight="600" '
            f'text-anchor="middle" dominant-baseline="central">{escape(letters)}</text>'
        )
    else:
        lines = " ".join("M" + " L".join(f"{x:.2f} {y:.2f}" for x, y in run) for run in runs)
        shape = (
            f'<path d="{lines}" fill="none" stroke="{tones.on_accent}" stroke-width="{PEN}" '
            'stroke-linecap="round" stroke-linejoin="round"/>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE:g} {SIDE:g}">'
        f'<rect width="{SIDE:g}" height="{SIDE:g}" rx="{CORNER:g}" fill="{tones.accent}"/>{shape}</svg>'
    )


@lru_cache(maxsize=64)
def png(letters: str, colour: str) -> bytes:
    """The mark as a PNG of 72 by 72 pixels, RGBA (PNG specification, third edition); about 1 KB."""
    tones = palette(colour).light
    fill, ink = _bytes(tones.accent), _bytes(tones.on_accent)
    scale = PIXELS / SIDE
    runs = _placed(letters) or _centred([LOCK])
    segments = [pair for run in runs for pair in pairwise(run)]
    rows = bytearray()
    for row in range(PIXELS):
        rows.append(0)  # filter type: none
        for column in range(PIXELS):
            x, y = (column + 0.5) / scale, (row + 0.5) / scale
            drawn = _covered((PEN / 2 - min(_distance((x, y), a, b) for a, b in segments)) * scale)
            rows += bytes(round(f + (i - f) * drawn) for f, i in zip(fill, ink, strict=True))
            rows.append(round(255 * _covered(-_outside(x, y) * scale)))
    head = struct.pack(">IIBBBBB", PIXELS, PIXELS, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _placed(letters: str) -> list[list[Point]] | None:
    """The letters as runs of points on the tile; None when one of them has no strokes."""
    plain = [unicodedata.normalize("NFD", letter)[0] for letter in letters]
    if not plain or any(letter not in STROKES for letter in plain):
        return None
    return _centred([STROKES[letter] for letter in plain])


def _centred(shapes: list[str]) -> list[list[Point]]:
    """Shapes side by side in the middle of the tile, as large as fits."""
    gap, flat = 3.4, [_flatten(shape) for shape in shapes]
    widths = [max(x for run in runs for x, _ in run) for runs in flat]
    scale = min(0.92, 21.0 / (sum(widths) + gap * (len(widths) - 1) or 1.0))
    left = (SIDE - scale * (sum(widths) + gap * (len(widths) - 1))) / 2
    top = (SIDE - scale * 14) / 2
    placed: list[list[Point]] = []
    for runs, width in zip(flat, widths, strict=True):
        placed += [[(left + scale * x, top + scale * y) for x, y in run] for run in runs]
        left += scale * (width + gap)
    return placed


def _flatten(strokes: str) -> list[list[Point]]:
    """Strokes (M, L and C as in an SVG path) as runs of points."""
    runs: list[list[Point]] = []
    for command, text in re.findall(r"([MLC])([^MLC]*)", strokes):
        numbers = [float(word) for word in text.split()]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command == "M":
            runs.append(points)
        elif command == "L":
            runs[-1] += points
        else:
            runs[-1] += [_cubic((runs[-1][-1], *points), step / 12) for step in range(1, 13)]
    return runs


def _cubic(points: Sequence[Point], t: float) -> Point:
    """A point of the Bézier curve with these four points, at t from 0 to 1."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x = sum(weight * point[0] for weight, point in zip(weights, points, strict=True))
    y = sum(weight * point[1] for weight, point in zip(weights, points, strict=True))
    return x, y


def _distance(at: Point, a: Point, b: Point) -> float:
    """Distance of a point from the segment a to b."""
    (x, y), (ax, ay), (bx, by) = at, a, b
    length = (bx - ax) ** 2 + (by - ay) ** 2
    along = max(0.0, min(1.0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) if length else 0.0
    return math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay))


def _outside(x: float, y: float) -> float:
    """Signed distance from the tile's edge, negative inside."""
    inner = SIDE / 2 - CORNER
    dx, dy = abs(x - SIDE / 2) - inner, abs(y - SIDE / 2) - inner
    return math.hypot(max(dx, 0.0), max(dy, 0.0)) + min(max(dx, dy), 0.0) - CORNER


def _covered(inside: float) -> float:
    """Share of a pixel that is covered when its middle lies so many pixels inside an edge."""
    return max(0.0, min(1.0, inside + 0.5))


def _bytes(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
