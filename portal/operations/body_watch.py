"""The watch over request bodies that are read: whose connection is too slow is found and shut."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import stat
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from portal.networks import plain_address
from portal.operations.body_reading import PIECE_BYTES, PIECE_SECONDS, Places, WholeBody

LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Line(NamedTuple):
    """An accepted connection."""

    descriptor: int
    peer: tuple[str, int]
    port: int


class Counts(NamedTuple):
    """What the kernel counted on a connection (tcp(7), TCP_INFO): bytes, and milliseconds of silence."""

    acknowledged: int
    received: int
    unsent: int
    silent_ms: int


@dataclass
class Suspect:
    """What the watchman remembers of a body: its connection is one of these, on which nothing was answered since."""

    at: float
    taken: int
    first: dict[Line, Counts]
    middle: dict[Line, Counts] = field(default_factory=dict)
    tries: int = 0


class Watchman(threading.Thread):
    """Shuts the reading side of connections whose bodies are late; the answer can still be sent.

    WSGI does not say which connection a request came on. So the kernel's counts are compared with what was taken of
    the body, and the likeliest go first; when the body still waits a second later, the next likely ones.
    """

    def __init__(self, places: Places) -> None:
        super().__init__(name="bodies", daemon=True)
        self._places = places
        self._suspects: dict[WholeBody, Suspect] = {}

    def run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                self.look(time.monotonic())
            except Exception as error:  # it has to go on: without it, slow bodies keep their places
                log.error("The watch over request bodies failed once: %s", type(error).__name__)

    def look(self, now: float) -> None:
        """Remember the connections of new bodies, and cut the late ones off."""
        bodies = self._places.bodies()
        self._suspects = {body: self._suspects[body] for body in bodies if body in self._suspects}
        counts = dict(_lines()) if bodies else {}
        for body in bodies:
            known = self._suspects.setdefault(body, Suspect(now, body.taken, counts))
            if not known.middle and now - known.at > PIECE_SECONDS / 4:
                known.middle = counts
        late = [body for body in bodies if body.late(now) and self._suspects[body].middle]
        for body in late:
            body.cut = True
        for body in late:
            for line in _likeliest(body, self._suspects[body], counts, now):
                _shut_reading(line)
            self._suspects[body].tries += 1


def _likeliest(body: WholeBody, known: Suspect, counts: dict[Line, Counts], now: float) -> list[Line]:
    """Silent connections, then those that trickle as this body does, then all on which a body may be awaited."""
    quiet = {
        line: count
        for line, count in counts.items()
        if line.peer[0] == body.peer and line.port == body.port and line in known.first and count.unsent == 0
        # An interim answer (100 Continue, 25 bytes) is not the answer.
        if count.acknowledged - known.first[line].acknowledged <= len(b"HTTP/1.1 100 Continue\r\n\r\n")
    }
    mute = body.silent(now)
    silent = [line for line, count in quiet.items() if mute and count.silent_ms > (PIECE_SECONDS - 2) * 1000]
    expected = body.taken - known.taken
    steady = [
        line
        for line, count in quiet.items()
        if line in known.middle
        and known.first[line].received < known.middle[line].received < count.received
        and abs(count.received - known.first[line].received - expected) < 2 * PIECE_BYTES
    ]
    return next((lines for lines in (silent, steady)[known.tries :] if lines), list(quiet))


def _lines() -> Iterator[tuple[Line, Counts]]:
    """Every TCP connection of this process with its counts."""
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError), _copy(int(entry.name)) as line:
            if line.family in (socket.AF_INET, socket.AF_INET6) and line.type == socket.SOCK_STREAM:
                yield Line(int(entry.name), _peer(line), line.getsockname()[1]), _counts(line)


def _copy(descriptor: int) -> socket.socket:
    """The same connection under a number of our own, which nobody else closes; OSError if it is no socket.

    A file is never copied: closing any copy drops every lock that this process has on the file (fcntl(2), "Advisory
    record locking"), and without its locks SQLite's database was damaged by another process that wrote meanwhile.
    """
    _need_socket(descriptor)
    own = os.dup(descriptor)
    _need_socket(own)  # the number went to a file in this moment: its copy stays open, for closing is what would harm
    return socket.socket(fileno=own)


def _need_socket(descriptor: int) -> None:
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        raise OSError


def _peer(line: socket.socket) -> tuple[str, int]:
    name = line.getpeername()
    return plain_address(name[0]), name[1]


def _counts(line: socket.socket) -> Counts:
    """Fields of struct tcp_info by their offsets, which are part of Linux' promise to programs (linux/tcp.h)."""
    info = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 148)
    (silent,) = struct.unpack_from("=I", info, 52)
    acknowledged, received = struct.unpack_from("=QQ", info, 120)
    (unsent,) = struct.unpack_from("=I", info, 144)
    (unacknowledged,) = struct.unpack_from("=I", info, 24)
    return Counts(acknowledged, received, unsent + unacknowledged, silent)


def _shut_reading(line: Line) -> None:
    with contextlib.suppress(OSError), _copy(line.descriptor) as own:
        if _peer(own) == line.peer:  # the number may have gone to another one
            own.shutdown(socket.SHUT_RD)
