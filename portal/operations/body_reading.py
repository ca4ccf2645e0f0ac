"""A request body while it is read: whole or an error, and so many at once as there are places."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

PIECE_BYTES = 16 * 1024
"""Asked of granian at once: it answers only when all of it has come."""
PIECE_SECONDS = 20.0
GRACE_SECONDS = 30.0
BYTES_PER_SECOND = 16 * 1024
"""A whole body has GRACE_SECONDS + length / BYTES_PER_SECOND, and has to keep to that pace all the way."""
PER_NETWORK = 8
PATIENCE_SECONDS = 0.3
"""How long a body waits for a place, unless those who hold them all have been waiting for longer themselves."""


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
