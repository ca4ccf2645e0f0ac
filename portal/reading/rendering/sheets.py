"""A picture of a page on its way out: of bounded size, marked, without metadata, as WebP."""

from __future__ import annotations

import io
from math import hypot
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont

LONGEST_SIDE = 2400
"""Pixels: an A4 page at 205 dots an inch."""
LEAST_MARKED = 800
"""Pixels of the longer side of what carries a mark, for on less nobody can read it."""
SMALL = 240
"""Pixels of the longer side of what in a text is no more than a logo or an icon."""
QUALITY = 85
INK = round(0.08 * 255)
"""Of a mark, 8 %: it can be read, and what is below it too."""
DEGREES = 30
FONTS = Path("/usr/share/fonts/truetype/dejavu")


def font(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """One of the DejaVu fonts, which have Latin, Greek, Cyrillic, Hebrew and Arabic; else what Pillow brings."""
    path = FONTS / f"{name}.ttf"
    return ImageFont.truetype(str(path), size) if path.exists() else ImageFont.load_default(size)


def out(picture: Image.Image, mark: str, *, inline: bool = False) -> bytes:
    """The picture as WebP. `inline`: a small one keeps its size, for it would burst the text that it stands in."""
    shown = picture if picture.mode == "RGB" else picture.convert("RGB")
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    if mark:
        smallest = LEAST_MARKED / max(shown.size)
        if smallest > 1 and not (inline and max(shown.size) <= SMALL):
            shown = shown.resize((max(1, round(shown.width * smallest)), max(1, round(shown.height * smallest))))
        shown = _marked(shown, mark)
    written = io.BytesIO()
    shown.save(written, "WEBP", quality=QUALITY, method=2, icc_profile=b"", exif=b"", xmp=b"")
    return written.getvalue()


def _marked(picture: Image.Image, mark: str) -> Image.Image:
    """The mark again and again from one corner to the other: dark ink with a light edge, to be seen on any page."""
    half = (-(-picture.width // 2), -(-picture.height // 2))  # drawn at half the size, in a quarter of the time
    size = max(7, round(max(half) / 70))
    writing = font("DejaVuSans", size)
    side = round(hypot(*half)) + 1
    width = round(writing.getlength(mark)) + 4 * size
    dark, edged = Image.new("L", (side, side)), Image.new("L", (side, side))
    dark_pen, edged_pen = ImageDraw.Draw(dark), ImageDraw.Draw(edged)
    for row, y in enumerate(range(0, side, 7 * size)):
        for x in range(-(row % 2) * width // 2, side, width):
            dark_pen.text((x, y), mark, font=writing, fill=INK)
            edged_pen.text((x, y), mark, font=writing, fill=INK, stroke_width=1, stroke_fill=INK)
    left, top = (side - half[0]) // 2, (side - half[1]) // 2
    box = (left, top, left + half[0], top + half[1])
    for colour, mask in (("white", ImageChops.subtract(edged, dark)), ("black", dark)):
        tilted = mask.rotate(DEGREES, resample=Image.Resampling.BILINEAR).crop(box).resize(picture.size)
        picture.paste(colour, (0, 0, *picture.size), tilted)
    return picture
