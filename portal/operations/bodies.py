"""Request bodies: whole or refused, never slower than the door allows, and never so many that no thread is left.

Granian reads a body in the request's thread, without a limit of time, and that read cannot be interrupted. Nor may it
be left to a thread of its own: granian 2.8 takes the body back when the request ends, waits for a read that still
runs, and holds the interpreter's lock meanwhile, so that the whole process stands still. So the request's thread
reads, and one watchman for all of them shuts the connection of a body that is too slow: then the read ends.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from portal.networks import client_network, plain_address
from portal.operations.body_reading import Places, WholeBody
from portal.operations.body_watch import Watchman
from portal.values import Network

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]

SMALL_BYTES = 64 * 1024
"""Read before the application is asked, so that a place is held only while bytes are on their way."""
RETRY_SECONDS = 5


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
