"""The child process of portal.reading.reencoding: a picture comes in, pixels alone go out. Imports nothing of ours."""

from __future__ import annotations

import io
import resource
import sys

MOST_PIXELS = 25_000_000
MOST_BYTES_OF_MEMORY = 768 * 1024 * 1024
CPU_SECONDS = 8
BOX = (2000, 8000)
"""Width and height that the result has at most: twice what a page shows, for fine screens."""
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def main() -> int:
    """Exit code 0 and the picture on standard output, or 1 and nothing."""
    for limit, most in (
        (resource.RLIMIT_AS, MOST_BYTES_OF_MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    from PIL import Image  # under the limits, too

    # Nothing else is opened or started from here on.
    resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        made = _again(sys.stdin.buffer.read())
    except Exception:
        return 1  # what a broken picture raises is not to be told apart, and may quote it
    sys.stdout.buffer.write(made)
    return 0


def _again(data: bytes) -> bytes:
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=FORMATS) as found:
        if found.width * found.height > MOST_PIXELS:
            raise ValueError
        found.draft("RGB", BOX)  # a JPEG is decoded no larger than it is needed
        found.seek(0)  # the first of moving ones
        turned = ImageOps.exif_transpose(found)
        lossy = found.format in ("JPEG", "WEBP")
    clear = turned.has_transparency_data
    plain = turned.convert("RGBA" if clear else "RGB")
    plain.thumbnail(BOX)
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)  # neither EXIF nor comments nor profiles come along
    out = io.BytesIO()
    if lossy and not clear:
        bare.save(out, "JPEG", quality=85)
    else:
        bare.save(out, "PNG")
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
