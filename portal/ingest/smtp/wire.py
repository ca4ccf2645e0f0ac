"""The bytes of one connection: lines and pieces come in, replies go out, TLS around both, and patience has an end."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Coroutine
from typing import Any

from portal.ingest.smtp import limits
from portal.ingest.smtp.tls import Layer


class Gone(ConnectionError):
    """The client has closed, or was closed."""


class LineTooLong(Exception):
    """A line was longer than allowed; it has been read to its end and thrown away."""


class LineBroken(Exception):
    """A line ended with LF alone, or held a CR or NUL. Where servers disagree on line ends, commands are smuggled."""


class Flooded(Exception):
    """A line does not end."""


class Wire(asyncio.Protocol):
    """One connection; `begin` makes the coroutine that speaks over it. Holds at most READ_BYTES and what one read of
    the socket brings on top, however fast the other side sends."""

    def __init__(self, loop: AbstractEventLoop, begin: Callable[[Wire], Coroutine[Any, Any, None]]) -> None:
        self._loop = loop
        self._begin = begin
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._waiter: Future[None] | None = None
        self._writable: Future[None] | None = None
        self._reading = True
        self._ended = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self.closed = False
        self._tls: Layer | None = None

    # -------------------------------------------------------------------------------------- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._task = self._loop.create_task(self._begin(self))

    def data_received(self, data: bytes) -> None:
        self._buffer += data if self._tls is None else self._decrypted(self._tls, data)
        if self._reading and len(self._buffer) > limits.READ_BYTES and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return True  # what came before is still answered

    def connection_lost(self, error: Exception | None) -> None:
        self._ended = self.closed = True
        self._stop_timer()
        self._transport = None
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    # ------------------------------------------------------------------------------------------------- reading

    @property
    def peer(self) -> str:
        """The other end's IP address; "" when it is none."""
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(name[0]).partition("%")[0] if isinstance(name, tuple) else ""

    async def line(self, longest: int) -> bytes:
        """The next line without its CRLF. Raises Gone, LineTooLong, LineBroken, Flooded."""
        seen = skipped = 0
        while (end := self._buffer.find(b"\n", seen)) < 0:
            seen = len(self._buffer)
            if skipped or seen > longest:
                skipped += seen
                self._buffer.clear()
                seen = 0
                self._resume_reading()
            if skipped > limits.FLOOD_BYTES:
                raise Flooded
            await self._more()
        line = self._cut(end + 1)
        if skipped or len(line) > longest + 2:
            raise LineTooLong
        if not line.endswith(b"\r\n") or b"\r" in line[:-2] or b"\0" in line:
            raise LineBroken
        return line[:-2]

    async def piece(self, most: int = 0) -> bytes:
        """What has come, at least one byte and at most `most` (0: all of it). Raises Gone."""
        while not self._buffer:
            await self._more()
        return self._cut(min(most, len(self._buffer)) if most else len(self._buffer))

    async def exactly(self, count: int) -> bytes:
        """So many bytes. Raises Gone."""
        while len(self._buffer) < count:
            await self._more()
        return self._cut(count)

    def unread(self, data: bytes) -> None:
        """Give back what the client has sent after its mail: with PIPELINING, its next commands."""
        self._buffer[:0] = data

    def _cut(self, count: int) -> bytes:
        data = bytes(self._buffer) if count == len(self._buffer) else bytes(self._buffer[:count])
        del self._buffer[:count]
        self._resume_reading()
        return data

    def _resume_reading(self) -> None:
        if not self._reading and len(self._buffer) <= limits.READ_BYTES and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()

    async def _more(self) -> None:
        if self._ended:
            raise Gone
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # ------------------------------------------------------------------------------------------------- writing

    async def say(self, text: str) -> None:
        """Send one reply, whose lines are complete but for the last CRLF. Raises Gone."""
        if self.closed or self._transport is None:
            raise Gone
        self._write(text.encode("ascii", "replace") + b"\r\n")
        if self._writable is not None:
            await self._writable

    def close(self) -> None:
        """Hang up once what was said has left, or after CLOSING_SECONDS when nobody reads it."""
        if self.closed or self._transport is None:
            return
        if self._tls is not None and self._tls.standing:
            self._tls.goodbye()
            self._transport.write(self._tls.to_send())
        self.closed = self._ended = True
        self._transport.close()
        self._stop_timer()
        self._timer = self._loop.call_later(limits.CLOSING_SECONDS, self._abort)
        self._wake()
        self.resume_writing()

    def last_word(self, text: str) -> None:
        """Say it and hang up, without waiting for anyone."""
        if not self.closed:
            self._write(text.encode("ascii", "replace") + b"\r\n")
            self.close()

    def _write(self, data: bytes) -> None:
        if self._transport is None:
            return
        if self._tls is not None:
            try:
                self._tls.send(data)
            except ssl.SSLError:  # before the handshake is done, or after TLS broke: nothing may go in clear
                self._ended = True
                return
            data = self._tls.to_send()
        self._transport.write(data)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------------------------------------------ patience

    def allow(self, seconds: float) -> None:
        """From now the client has so many seconds; then it is told 421 and closed."""
        if self.closed:
            return  # the timer belongs to the closing now
        self._deadline = self._loop.time() + seconds
        # Remembered here: for a moment that has come uvloop makes no timer, but a handle that cannot say when it is.
        if self._timer is not None and self._timer_at > self._deadline:
            self._stop_timer()
        if self._timer is None:
            self._look_at(self._deadline)

    def _look_at(self, when: float) -> None:
        self._timer_at = when
        self._timer = self._loop.call_at(when, self._look)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self.closed or self._transport is None:
            return
        if self._deadline > self._loop.time():
            self._look_at(self._deadline)
            return
        self.last_word("421 4.4.2 Nothing came for too long, closing")

    # ----------------------------------------------------------------------------------------------------- TLS

    @property
    def secured(self) -> ssl.SSLObject | None:
        """What is known of the TLS that stands; None in clear."""
        return self._tls.object if self._tls is not None and self._tls.standing else None

    async def encrypt(self, context: ssl.SSLContext, invitation: str = "") -> None:
        """Begin TLS as the server, after saying `invitation` if it begins midway. Raises Gone when it fails.

        Whatever a client sent in clear before an invitation is forgotten: whoever sits in between could have put
        commands there, which would count as said under TLS (CVE-2011-0411).
        """
        if self.closed or self._transport is None:
            raise Gone
        if invitation:
            self._transport.write(invitation.encode("ascii") + b"\r\n")
            self._buffer.clear()
        waiting, self._buffer = bytes(self._buffer), bytearray()
        # No turn of the loop since the buffer was emptied: every byte after it goes through TLS.
        self._tls = Layer(context)
        self._resume_reading()
        if waiting:
            self.data_received(waiting)
        while not self._tls.standing:
            await self._more()

    def _decrypted(self, tls: Layer, data: bytes) -> bytes:
        try:
            said = tls.receive(data)
        except ssl.SSLError:  # its text may say what was sent
            said = b""
            self._ended = True
        self._ended = self._ended or tls.ended
        if self._transport is not None and (reply := tls.to_send()):
            self._transport.write(reply)  # of the handshake, or the alert that says why it failed
        return said


class Pace:
    """How slowly one mail, or one chunk, may come: MAIL_SECONDS of waiting and a second more for SLOWEST bytes."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._waited = 0.0
        self.received = 0

    @property
    def left(self) -> float:
        """Seconds until all of it must be here, for what comes between two chunks."""
        return limits.MAIL_SECONDS + self.received / limits.SLOWEST - (self._loop.time() - self._begun)

    async def piece(self, most: int = 0) -> bytes:
        """The next bytes from the wire. Raises Gone, also when all patience is used up."""
        left = limits.MAIL_SECONDS + self.received / limits.SLOWEST - self._waited
        self._wire.allow(min(limits.DATA_SECONDS, left))
        begun = self._loop.time()
        chunk = await self._wire.piece(most)
        # Only what the client takes, not what the disk does.
        self._waited += self._loop.time() - begun
        self.received += len(chunk)
        return chunk
