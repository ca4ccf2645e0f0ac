"""A stranger's picture decoded and written anew in a child process with limits: pixels of our making."""

from __future__ import annotations

from pathlib import Path

from portal import apart
from portal.reading import reencoder

SECONDS = 15.0


class NotAPicture(Exception):
    """No PNG, JPEG, GIF or WebP, a broken one, or one that takes more than the limits. Its text holds no content."""


def re_encode(data: bytes) -> bytes:
    """The picture as PNG or JPEG; of a moving one the first. Raises NotAPicture.

    A child process with bounds on memory, time and files (portal.apart).
    """
    code, made = apart.run(Path(reencoder.__file__), data, SECONDS) or (1, b"")
    if code or not made:
        raise NotAPicture
    return made


def content_type(made: bytes) -> str:
    """Of what `re_encode` gave."""
    return "image/jpeg" if made.startswith(b"\xff\xd8") else "image/png"
