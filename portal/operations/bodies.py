"""Request bodies: whole or refused, never slower than the door allows, and never so many that no thread is left.

Granian reads a body in the request's thread, without a limit of time, and that read cannot be interrupted. Nor may it
be left to a thread of its own: granian 2.8 takes the body back when the request ends, waits for a read that still
runs, and holds the interpreter's lock meanwhile, so that the whole process stands still. So the request's thread
reads, and one watchman for all of them shuts the connection of a body that is too slow: then the read ends.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import socket
import stat
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from portal.networks import client_network, plain_address
from portal.values import Network

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]

PIECE_BYTES = 16 * 1024
"""Asked of granian at once: it answers only when all of it has come."""
PIECE_SECONDS = 20.0
GRACE_SECONDS = 30.0
BYTES_PER_SECOND = 16 * 1024
"""A whole body has GRACE_SECONDS + length / BYTES_PER_SECOND, and has to keep to that pace all the way."""
SMALL_BYTES = 64 * 1024
"""Read before the application is asked, so that a place is held only while bytes are on their way."""
PER_NETWORK = 8
PATIENCE_SECONDS = 0.3
"""How long a body waits for a place, unless those who hold them all have been waiting for longer themselves."""
RETRY_SECONDS = 5
LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class WholeBody:
    """wsgi.input that raises OSError at an early end; Django makes UnreadablePostError of it."""

    def __init__(self, body: Readable, length: int, peer: tuple[str, int] = ("", 0)) -> None:
        self._body = body
        self._left = length
        self._kept = b""
        self.ended: Callable[[], None] = lambda: None
        """Called when the last byte was taken."""
        self.peer, self.port = peer
        self.taken = 0
        self.since: float | None = None
        """When the first read began (monotonic seconds)."""
        self.waiting_since: float | None = None
        """When the read that runs now began; None while the application works."""
        self.cut = False

    def read(self, size: int = -1) -> bytes:
        """As many bytes as asked for, or all that are left: Django takes one short answer for the whole body."""
        left = len(self._kept) + self._left
        wanted = left if size < 0 else min(size, left)
        pieces = [self._kept[:wanted]] if self._kept else []
        wanted -= min(wanted, len(self._kept))
        self._kept = self._kept[len(pieces[0]) :] if pieces else b""
        while wanted > 0:
            piece = self._piece(min(wanted, PIECE_BYTES))
            pieces.append(piece)
            wanted -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readline(self, size: int = -1) -> bytes:
        """Up to and with the next line feed; granian's own drops it and knows no size."""
        found = b""
        while self._kept or self._left > 0:
            piece = self.read(PIECE_BYTES if size < 0 else min(PIECE_BYTES, size - len(found)))
            end = piece.find(b"\n") + 1
            found += piece[:end] if end else piece
            self._kept = (piece[end:] if end else b"") + self._kept
            if end or len(found) == size:
                break
        return found

    def late(self, now: float) -> bool:
        """Whether the read that runs now has run for too long."""
        since = self.since
        if since is None or self.waiting_since is None:
            return False
        return self.silent(now) or now - since > GRACE_SECONDS + self.taken / BYTES_PER_SECOND

    def silent(self, now: float) -> bool:
        """Whether the read that runs now got no whole piece for PIECE_SECONDS."""
        waiting = self.waiting_since
        return waiting is not None and now - waiting > PIECE_SECONDS

    def stuck(self, now: float) -> bool:
        waiting = self.waiting_since
        return waiting is not None and now - waiting > PATIENCE_SECONDS

    def _piece(self, size: int) -> bytes:
        now = time.monotonic()
        self.since = now if self.since is None else self.since
        self.waiting_since = now
        try:
            data = self._body.read(size)
        finally:
            self.waiting_since = None
        if not data:
            raise ConnectionResetError("The browser went away before the whole request had come.")
        self._left -= len(data)
        self.taken += len(data)
        if self._left == 0:
            self.ended()
        return data


class Places:
    """Who may send a body now: so many in all, and PER_NETWORK from one network."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._change = threading.Condition()
        self._held: dict[WholeBody, str] = {}

    def take(self, body: WholeBody, network: str) -> bool:
        """A place for a body; waits PATIENCE_SECONDS at most, and not at all when all places are stuck."""
        until = time.monotonic() + PATIENCE_SECONDS
        with self._change:
            while (rivals := self._in_the_way(network)) is not None:
                now = time.monotonic()
                if now >= until or all(rival.stuck(now) for rival in rivals):
                    return False
                self._change.wait(until - now)
            self._held[body] = network
            return True

    def leave(self, body: WholeBody) -> None:
        """Give the place back; nothing happens when that was done already."""
        with self._change:
            if self._held.pop(body, None) is not None:
                self._change.notify_all()

    def bodies(self) -> list[WholeBody]:
        with self._change:
            return list(self._held)

    def _in_the_way(self, network: str) -> list[WholeBody] | None:
        if len(self._held) >= self._total:
            return list(self._held)
        if len(self._held) >= PER_NETWORK and Counter(self._held.values())[network] >= PER_NETWORK:
            return [body for body, other in self._held.items() if other == network]
        return None


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


def whole_bodies(application: Application, *, threads: int = 32, proxies: Sequence[Network] = ()) -> Application:
    """The same WSGI application, protected.

    Granian ends wsgi.input quietly when a client goes away (seen: 300,000 of 1,000,000 bytes, then an end of file), and
    Django's form parser takes what came: a reply would be sent with half an attachment. A late body is answered with
    408, one too many (PER_NETWORK, or half of the `threads`) with 503 before any of it is read.
    """
    places = Places(threads // 2)
    Watchman(places).start()

    def protected(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        length = str(environ.get("CONTENT_LENGTH") or "")
        if not length.isdecimal() or int(length) == 0:
            return application(environ, start_response)
        peer = plain_address(str(environ.get("REMOTE_ADDR") or "")), int(environ.get("SERVER_PORT") or 0)
        body = WholeBody(environ["wsgi.input"], int(length), peer)
        body.ended = lambda: places.leave(body)
        if not places.take(body, client_network(environ, proxies)):
            return _refusal(start_response, "503 Service Unavailable", [("Retry-After", str(RETRY_SECONDS))])
        try:
            environ["wsgi.input"] = body
            if int(length) <= SMALL_BYTES:
                try:
                    environ["wsgi.input"] = io.BytesIO(body.read())
                except OSError:
                    return _refusal(start_response, "408 Request Timeout" if body.cut else "400 Bad Request", [])

            def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                if body.cut:
                    status, headers = "408 Request Timeout", [*headers, ("Connection", "close")]
                return start_response(status, headers, *rest)

            return application(environ, start)
        finally:
            places.leave(body)

    return protected


def _refusal(start_response: Callable[..., Any], status: str, headers: list[tuple[str, str]]) -> list[bytes]:
    """A short answer without the application; the connection ends with it."""
    text = f"{status.partition(' ')[2]}. Please try again in a moment.\n".encode()
    fixed = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text)))]
    kept = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("Connection", "close")]
    start_response(status, fixed + kept + headers)
    return [text]
