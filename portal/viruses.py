"""Asking ClamAV whether bytes hold a virus: clamd's INSTREAM over a socket, so that nothing is written in clear here.

Off unless LETTERLOCK_VIRUS_SCANNER names a clamd. Switched on it fails closed: what cannot be checked is not taken.
Protocol: clamd(8), "COMMANDS"; clamd.conf(5), StreamMaxLength.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings

from portal import observing

OLD = timedelta(hours=48)
"""Signatures come several times a day; older ones mean that nobody fetches them."""
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 15.0
SECONDS_A_MIB = 2.0
"""Half of what a mail's lease is longer for each MiB (portal.celery)."""
QUIET_SECONDS = 5.0
"""After a scanner did not answer, all others are told so at once: a batch of mail must not wait for each."""
_PIECE = 128 * 1024
_LONGEST_ANSWER = 1024
_VERSION = re.compile(r"ClamAV ([0-9][^/\s]*)(?:/(\d+)/(.+))?")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._:/-]")

_quiet_until = 0.0


class ScannerError(Exception):
    """The family of this module. No sentence holds content or a file's name."""


class ScannerAway(ScannerError):
    """It does not answer, or not what clamd would; nothing is known of the bytes."""

    def __init__(self) -> None:
        super().__init__(
            "The virus scanner (LETTERLOCK_VIRUS_SCANNER) does not answer. Start clamd or mend the setting."
        )


class TooLargeToScan(ScannerError):
    def __init__(self) -> None:
        super().__init__(
            "It is larger than the virus scanner takes. Raise StreamMaxLength in clamd.conf above "
            "LETTERLOCK_MAX_MESSAGE_BYTES, then release it."
        )


@dataclass(frozen=True)
class Version:
    """What clamd says of itself; `signatures_at` is None while it has no dated signatures."""

    engine: str
    signatures_at: datetime | None

    def is_old(self, now: datetime) -> bool:
        return self.signatures_at is None or now - self.signatures_at > OLD


def is_on() -> bool:
    return bool(settings.LETTERLOCK.virus_scanner)


def find(chunks: Iterable[bytes], size: int) -> str:
    """The name of a virus in these bytes, "" for none; `size` in bytes says how long an answer may take.

    Raises:
        ScannerAway: try again later.
        TooLargeToScan: the scanner takes no more than a part of it.
        Whatever reading `chunks` raises.
    """
    answer = _asked(chunks, ANSWER_SECONDS + SECONDS_A_MIB * (size >> 20))
    if answer.startswith("INSTREAM size limit exceeded"):
        observing.count("letterlock_virus_scans", outcome="too_large")
        raise TooLargeToScan
    if answer == "stream: OK":
        observing.count("letterlock_virus_scans", outcome="clean")
        return ""
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        observing.count("letterlock_virus_scans", outcome="virus")
        return _NOT_A_NAME.sub("", answer[len("stream: ") : -len(" FOUND")])[:80] or "unnamed"
    observing.count("letterlock_virus_scans", outcome="away")
    raise ScannerAway


def version() -> Version:
    """Raises ScannerAway."""
    with _line(time.monotonic() + CONNECT_SECONDS) as line:
        line.sendall(b"zVERSION\0")
        found = _VERSION.match(_answer(line, time.monotonic() + CONNECT_SECONDS))
    if found is None:
        raise ScannerAway
    return Version(found[1], _dated(found[3]) if found[3] else None)


def _asked(chunks: Iterable[bytes], seconds: float) -> str:
    global _quiet_until
    if time.monotonic() < _quiet_until:
        observing.count("letterlock_virus_scans", outcome="away")
        raise ScannerAway
    try:
        with _line(time.monotonic() + CONNECT_SECONDS) as line:
            return _streamed(line, chunks, seconds)
    except ScannerAway:
        _quiet_until = time.monotonic() + QUIET_SECONDS
        observing.count("letterlock_virus_scans", outcome="away")
        raise


def _streamed(line: socket.socket, chunks: Iterable[bytes], seconds: float) -> str:
    until = time.monotonic() + seconds
    try:
        line.sendall(b"zINSTREAM\0")
        for chunk in chunks:
            for start in range(0, len(chunk), _PIECE):
                piece = chunk[start : start + _PIECE]
                _wait_no_longer(line, until)
                line.sendall(struct.pack(">I", len(piece)) + piece)
        line.sendall(struct.pack(">I", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass  # it had enough, and has said why
    except OSError:
        raise ScannerAway from None
    return _answer(line, until)


@contextmanager
def _line(until: float) -> Iterator[socket.socket]:
    parts = urlsplit(settings.LETTERLOCK.virus_scanner)
    try:
        if parts.hostname:
            line = socket.create_connection((parts.hostname, parts.port or 3310), CONNECT_SECONDS)
        else:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            _wait_no_longer(line, until)
            line.connect(parts.path)
    except OSError:
        raise ScannerAway from None
    with line:
        yield line


def _answer(line: socket.socket, until: float) -> str:
    """Up to the NUL that ends it."""
    answer = b""
    try:
        while b"\0" not in answer and len(answer) < _LONGEST_ANSWER:
            _wait_no_longer(line, until)
            piece = line.recv(_LONGEST_ANSWER)
            if not piece:
                break
            answer += piece
    except OSError:
        raise ScannerAway from None
    return answer.partition(b"\0")[0].decode("utf-8", "replace").strip()


def _wait_no_longer(line: socket.socket, until: float) -> None:
    line.settimeout(max(0.01, until - time.monotonic()))


def _dated(text: str) -> datetime | None:
    """As in “Thu Nov 20 08:26:05 2026”, UTC where it is not said (clamd writes its own local time)."""
    try:
        return datetime.strptime(text.strip(), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
