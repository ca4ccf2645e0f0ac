"""The child process of branding.logos: a stranger's picture comes in, pixels of our making go out. Imports nothing of
ours, so that a decoder's fault meets no key, no database and no open file.

Out: a line of JSON with the sizes, then the picture for pages and the one for mails, both PNG; or a line with a word
for what is wrong, and exit code 1.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 16_000_000
MOST_BYTES_OF_MEMORY = 512 * 1024 * 1024
CPU_SECONDS = 6
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
PAGE_BOX, PAGE_BYTES = (170, 70), 40 * 1024
"""In CSS pixels; the picture has twice as many for fine screens, where there are so many."""
MAIL_BOX, MAIL_BYTES = (140, 44), 8 * 1024
_MIDDLE = (1360, 560)
_SEEN = 240
"""A pixel is seen on white when its grey is darker (of 255)."""


def main() -> int:
    for limit, most in (
        (resource.RLIMIT_AS, MOST_BYTES_OF_MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    from PIL import Image, TiffImagePlugin, WebPImagePlugin  # noqa: F401 # under the limits, too

    Image.preinit()

    # Nothing else is opened or started from here on.
    resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        found = _read(sys.stdin.buffer.read())
    except Exception as error:  # what a broken picture raises is not told further: it may quote it
        return _wrong("large" if isinstance(error, _TooLarge) else "broken")
    if not _is_seen(found):
        return _wrong("unseen")
    page = _fitted(found, PAGE_BOX, PAGE_BYTES)
    mail = _fitted(_on_white(found), MAIL_BOX, MAIL_BYTES)
    head = {"page": [*_shown(found, PAGE_BOX), len(page)], "mail": [*_shown(found, MAIL_BOX), len(mail)]}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + page + mail)
    return 0


class _TooLarge(Exception):
    pass


def _wrong(word: str) -> int:
    sys.stdout.write(word)
    return 1


def _read(data: bytes) -> Image.Image:
    from PIL import Image, ImageOps

    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise _TooLarge from None
    with opened as found:
        if found.width * found.height > MOST_PIXELS:  # before a pixel is decoded
            raise _TooLarge
        found.draft("RGB", (2000, 2000))  # a JPEG is decoded no larger than it is needed
        found.seek(0)  # the first of moving ones
        turned = ImageOps.exif_transpose(found)
    plain = turned.convert("RGBA")
    # The empty rim that drawing programs leave around a logo would make it small.
    rim = plain.getchannel("A").getbbox()
    if rim and rim != (0, 0, *plain.size):
        plain = plain.crop(rim)
    plain.thumbnail(_MIDDLE, reducing_gap=2.0)  # what is made of it is far smaller
    bare = Image.new("RGBA", plain.size)
    bare.paste(plain)  # neither EXIF nor comments nor profiles come along
    return bare


def _on_white(found: Image.Image) -> Image.Image:
    from PIL import Image

    sheet = Image.new("RGBA", found.size, "white")
    sheet.alpha_composite(found)
    return sheet.convert("RGB")


def _is_seen(found: Image.Image) -> bool:
    small = _on_white(found)
    small.thumbnail((200, 200))
    dark = sum(small.convert("L").histogram()[:_SEEN])
    return dark >= max(4, small.width * small.height // 400)


def _shown(found: Image.Image, box: tuple[int, int]) -> tuple[int, int]:
    """Width and height in CSS pixels: as large as fits, and no larger than it is."""
    scale = min(1.0, box[0] / found.width, box[1] / found.height)
    return max(1, round(found.width * scale)), max(1, round(found.height * scale))


def _fitted(found: Image.Image, box: tuple[int, int], most: int) -> bytes:
    """PNG of at most so many bytes: of all colours, else of fewer, else smaller."""
    from PIL import Image

    for times in (2.0, 1.5, 1.0, 0.5):
        size = (max(1, round(box[0] * times)), max(1, round(box[1] * times)))
        small = found.copy()
        small.thumbnail(size, Image.Resampling.LANCZOS)
        for colours in (0, 256, 64, 16):
            made = _png(small.quantize(colours, 2) if colours else small)  # fast octree: it keeps transparency
            if len(made) <= most:
                return made
    raise ValueError


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
