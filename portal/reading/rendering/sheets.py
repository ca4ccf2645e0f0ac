"""A picture of a page on its way out: of bounded size, marked, without metadata, as WebP."""

from __future__ import annotations

import io
from math import hypot
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont

LONGEST_SIDE = 2400
"""Pixels: an A4 page at 205 dots an inch."""
QUALITY = 85
INK = round(0.08 * 255)
"""Of a mark, 8 %: it can be read, and what is below it too."""
DEGREES = 30
FONTS = Path("/usr/share/fonts/truetype/dejavu")


def font(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """One of the DejaVu fonts, which have Latin, Greek, Cyrillic, Hebrew and Arabic; else what Pillow brings."""
    path = FONTS / f"{name}.ttf"
    return ImageFont.truetype(str(path), size) if path.exists() else ImageFont.load_default(size)


def out(picture: Image.Image, mark: str) -> bytes:
    """The picture as WebP."""
    shown = picture if picture.mode == "RGB" else picture.convert("RGB")
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    if mark:
        shown = _marked(shown, mark)
    written = io.BytesIO()
    shown.save(written, "WEBP", quality=QUALITY, method=2, icc_profile=b"", exif=b"", xmp=b"")
    return written.getvalue()


def _marked(picture: Image.Image, mark: str) -> Image.Image:
    """The mark again and again from one corner to the other: dark ink with a light edge, to be seen on any page."""
    size = max(12, round(max(picture.size) / 70))
    writing = font("DejaVuSans", size)
    side = round(hypot(*picture.size)) + 1
    width = round(writing.getlength(mark)) + 4 * size
    dark, edged = Image.new("L", (side, side)), Image.new("L", (side, side))
    for row, y in enumerate(range(0, side, 7 * size)):
        for x in range(-(row % 2) * width // 2, side, width):
            ImageDraw.Draw(dark).text((x, y), mark, font=writing, fill=INK)
            ImageDraw.Draw(edged).text((x, y), mark, font=writing, fill=INK, stroke_width=2, stroke_fill=INK)
    left, top = (side - picture.width) // 2, (side - picture.height) // 2
    box = (left, top, left + picture.width, top + picture.height)
    for colour, mask in (("white", ImageChops.subtract(edged, dark)), ("black", dark)):
        tilted = mask.rotate(DEGREES, resample=Image.Resampling.BILINEAR).crop(box)
        picture.paste(Image.new("RGB", picture.size, colour), mask=tilted)
    return picture
