"""A web server of the outside world that has pictures, and much that is none; it remembers what it was asked."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

Answer = Callable[[BaseHTTPRequestHandler], None]


def picture(kind: str = "PNG", size: tuple[int, int] = (30, 20), **more: object) -> bytes:
    """A real picture."""
    out = io.BytesIO()
    Image.new("RGB", size, "#14594f").save(out, kind, **more)
    return out.getvalue()


@dataclass
class Host:
    """`paths` give bytes (answered 200), a text (a redirect there), or speak for themselves."""

    port: int
    paths: dict[str, bytes | str | Answer] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and headers."""


@contextmanager
def serving() -> Iterator[Host]:
    """On a free port of this computer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
            answer = host.paths.get(self.path)
            if callable(answer):
                answer(self)
            elif isinstance(answer, str):
                self.send_response(302)
                self.send_header("Location", answer)
                self.end_headers()
            else:
                self.send_response(404 if answer is None else 200)
                self.send_header("Content-Length", str(len(answer or b"")))
                self.send_header("Set-Cookie", "seen=1")
                self.end_headers()
                self.wfile.write(answer or b"")

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host = Host(server.server_address[1])
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
