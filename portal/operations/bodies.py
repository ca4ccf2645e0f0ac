"""A request body that ends before its announced length is an error, never a shorter body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...

    def readline(self, size: int = -1, /) -> bytes: ...


class WholeBody:
    """wsgi.input that raises OSError at an early end; Django makes UnreadablePostError of it."""

    def __init__(self, body: Readable, length: int) -> None:
        self._body = body
        self._left = length

    def read(self, size: int = -1) -> bytes:
        """As many bytes as asked for, or all that are left: Django takes one short answer for the whole body."""
        wanted = self._left if size < 0 else min(size, self._left)
        pieces = []
        while wanted > 0:
            piece = self._taken(self._body.read(wanted))
            pieces.append(piece)
            wanted -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readline(self, size: int = -1) -> bytes:
        return self._taken(self._body.readline(size)) if self._left > 0 and size != 0 else b""

    def _taken(self, data: bytes) -> bytes:
        if not data:
            raise ConnectionResetError("The browser went away before the whole request had come.")
        self._left -= len(data)
        return data


def whole_bodies(application: Application) -> Application:
    """The same WSGI application, protected.

    Granian ends wsgi.input quietly when a client goes away (seen: 300,000 of 1,000,000 bytes, then an end of file), and
    Django's form parser takes what came: a reply would be sent with half an attachment.
    """

    def protected(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        length = str(environ.get("CONTENT_LENGTH") or "")
        if length.isdecimal():
            environ["wsgi.input"] = WholeBody(environ["wsgi.input"], int(length))
        return application(environ, start_response)

    return protected
