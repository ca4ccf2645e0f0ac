"""TLS between the socket's bytes and the session's, in memory: what it is fed and when is ours to say."""

from __future__ import annotations

import ssl
from contextlib import suppress

_RECORD_BYTES = 16 * 1024


class Layer:
    """The server's side of one TLS connection. Every method may raise ssl.SSLError: then the connection must end."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.standing = False
        """Whether the handshake is done."""
        self.ended = False
        """Whether the client has said that nothing more comes."""

    def receive(self, data: bytes) -> bytes:
        """Take the socket's bytes; what they say, b"" while the handshake goes on."""
        self._incoming.write(data)
        pieces: list[bytes] = []
        try:
            if not self.standing:
                self.object.do_handshake()
                self.standing = True
            while piece := self.object.read(_RECORD_BYTES):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return b"".join(pieces)

    def send(self, data: bytes) -> None:
        """Encrypt; `to_send` has it."""
        self.object.write(data)

    def goodbye(self) -> None:
        """Say that nothing more comes: a client that hears no such word takes the last reply for cut off."""
        with suppress(ssl.SSLError):
            self.object.unwrap()

    def to_send(self) -> bytes:
        """What the socket is to send now."""
        return self._outgoing.read()
