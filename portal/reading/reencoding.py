"""A stranger's picture decoded and written anew in a child process with limits: pixels of our making."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from portal.reading import reencoder

SECONDS = 15.0


class NotAPicture(Exception):
    """No PNG, JPEG, GIF or WebP, a broken one, or one that takes more than the limits. Its text holds no content."""


def re_encode(data: bytes) -> bytes:
    """The picture as PNG or JPEG; of a moving one the first. Raises NotAPicture.

    A child with bounds on memory, time and files, without our environment: what a decoder does wrong ends there.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-B", str(Path(reencoder.__file__))],
            input=data,
            capture_output=True,
            timeout=SECONDS,
            env={},
            cwd="/",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise NotAPicture from None
    if done.returncode or not done.stdout:
        raise NotAPicture
    return done.stdout


def content_type(made: bytes) -> str:
    """Of what `re_encode` gave."""
    return "image/jpeg" if made.startswith(b"\xff\xd8") else "image/png"
