"""Credentials of key services, read from a file at every use, so that a renewed one counts at once."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

from portal.keys.errors import ProviderDenied

_MOST = 16384


def secret_in(path: Path, what: str) -> str:
    """The first line of a file that only its owner and group may read. ProviderDenied when that is not so."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            content = os.read(descriptor, _MOST)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ProviderDenied(
            f"The file of the {what} that LETTERLOCK_KEY_URL names cannot be read ({error.strerror}). "
            "Mail waits until it is there."
        ) from None
    if mode & 0o007:
        raise ProviderDenied(f"The file of the {what} can be read by everyone: chmod 600. Mail waits until then.")
    try:
        secret = content.decode("ascii").split("\n", 1)[0].strip()
    except UnicodeDecodeError:
        secret = ""
    if not secret:
        raise ProviderDenied(f"The file of the {what} holds none. Write it there; mail waits until then.")
    return secret


def silence(*libraries: str) -> None:
    """Keep the debug lines of a library, which may show requests with keys in them, out of every log."""
    for library in libraries:
        logging.getLogger(library).setLevel(logging.WARNING)
