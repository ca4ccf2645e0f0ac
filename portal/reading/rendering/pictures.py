"""A picture, read and written anew: its metadata stays behind, its orientation and colours are kept."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageCms, ImageOps

from portal.reading.rendering import sheets
from portal.reading.rendering.wire import FAILED, INLINE, LARGE, OK, SHOWN, Answer, Asked

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP")
MOST_PIXELS = 64_000_000
"""As many as telephones' cameras have; at 4 bytes each they fit the sandbox's memory twice."""
MOST_PAGES = 500


def answer(asked: Asked, data: bytes) -> Answer:
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Answer(LARGE)
    pages = min(getattr(picture, "n_frames", 1), MOST_PAGES) if picture.format == "TIFF" else 1
    if asked.want not in (SHOWN, INLINE):
        return Answer(OK, pages)
    if not 1 <= asked.page <= pages:
        return Answer(FAILED, pages)
    if asked.page > 1:
        picture.seek(asked.page - 1)
        if picture.width * picture.height > MOST_PIXELS:
            return Answer(LARGE, pages)
    picture.draft("RGB", (sheets.LONGEST_SIDE, sheets.LONGEST_SIDE))  # a JPEG is decoded no larger than shown
    shown = ImageOps.exif_transpose(picture)
    shown.thumbnail((sheets.LONGEST_SIDE, sheets.LONGEST_SIDE))
    return Answer(OK, pages, data=sheets.out(_flat(_as_screens_show(shown)), asked.mark, inline=asked.want == INLINE))


def _as_screens_show(picture: Image.Image) -> Image.Image:
    """Its colours in sRGB, so that the profile can be left out."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "CMYK"):
        return picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        changed = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture
    return changed or picture


def _flat(picture: Image.Image) -> Image.Image:
    """On white paper where it is see-through. Sixteen bits of grey are brought to eight, which `convert` would cut."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        lowest, highest = picture.convert("F").getextrema()
        spread = max(float(highest) - float(lowest), 1.0)  # type: ignore[arg-type]
        scale, offset = 255 / spread, -float(lowest) * 255 / spread  # type: ignore[arg-type]
        return picture.convert("F").point(lambda value: value * scale + offset).convert("L").convert("RGB")
    if picture.has_transparency_data:
        see_through = picture.convert("RGBA")
        paper = Image.new("RGBA", see_through.size, "white")
        return Image.alpha_composite(paper, see_through).convert("RGB")
    return picture.convert("RGB")
