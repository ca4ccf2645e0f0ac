"""The disk under the data folder: room, whether it keeps what it was told to keep, and who may read it."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from portal.configuration import MEBIBYTE, Configuration
from portal.keys.providers.addresses import local_files_in
from portal.operations.doctor.finding import Finding, notice, well, wrong

LITTLE, TOO_LITTLE = 0.10, 0.03
"""Part of the disk that is free."""
LEAST_BYTES = 512 * MEBIBYTE
SLOW_SECONDS = 0.1


def space(configuration: Configuration) -> Iterator[Finding]:
    usage = shutil.disk_usage(configuration.data)
    part = usage.free / usage.total if usage.total else 0.0
    seen = f"{usage.free // MEBIBYTE:,} MiB are free, {part:.0%} of the disk."
    why = "On a full disk no mail is taken in; it waits at your mail server."
    fix = f"Make room under {configuration.data}, or give it a larger disk."
    if part < TOO_LITTLE or usage.free < LEAST_BYTES:
        yield wrong("disk space", seen, why, fix)
    elif part < LITTLE:
        yield notice("disk space", seen, why, fix)
    else:
        yield well("disk space", seen)


def durable(configuration: Configuration) -> Iterator[Finding]:
    """Mail is answered with 250 only after fsync, so fsync must work and not take long."""
    check = "fsync"
    probe = configuration.data / f".doctor-{os.getpid()}"
    try:
        descriptor = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, b"doctor" * 700)
            began = time.monotonic()
            os.fsync(descriptor)
            took = time.monotonic() - began
        finally:
            os.close(descriptor)
            with suppress(OSError):
                probe.unlink()
    except OSError as error:
        yield wrong(
            check,
            f"A file in the data folder cannot be written durably ({os.strerror(error.errno or 0)}).",
            "No mail is taken in.",
            f"Give this user the folder {configuration.data} on a disk that can be written.",
        )
        return
    if took > SLOW_SECONDS:
        yield notice(
            check,
            f"It took {took * 1000:.0f} ms.",
            "Each mail waits for it before its 250: so slow a disk takes in few mails a second.",
            "Put LETTERLOCK_DATA on a local SSD, not on a network or memory card.",
        )
    else:
        yield well(check, f"It took {took * 1000:.1f} ms.")


def permissions(configuration: Configuration) -> Iterator[Finding]:
    places = [configuration.data, *local_files_in(configuration.key_url)]
    if configuration.keyring_url.startswith("file://"):
        places.append(Path(configuration.keyring_url.removeprefix("file://")))
    for place in places:
        yield from _only_ours(place)


def _only_ours(place: Path) -> Iterator[Finding]:
    check = f"permissions of {place.name}"
    why = "Other users of this machine can read what protects the mail."
    try:
        seen = place.stat()
    except OSError as error:
        yield wrong(
            check,
            f"{place} cannot be looked at ({os.strerror(error.errno or 0)}).",
            "Without it nothing can be sealed or opened.",
            "Restore it from its backup (docs/backup-restore.md), or mend its owner; first start: manage.py prepare.",
        )
        return
    if stat.S_IMODE(seen.st_mode) & 0o077:
        mode = "700" if stat.S_ISDIR(seen.st_mode) else "600"
        yield wrong(check, f"{place} is open to others ({stat.filemode(seen.st_mode)}).", why, f"chmod {mode} {place}")
    elif seen.st_uid != os.geteuid():
        yield notice(
            check,
            f"{place} belongs to another user than the one that runs this command.",
            "The parts run as one user, who must own it.",
            f"Run the command as that user, or: chown {os.geteuid()} {place}",
        )
    else:
        yield well(check, f"{place} is for this user only.")
