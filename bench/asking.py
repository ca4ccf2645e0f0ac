"""The browser's side of the rows on pages and downloads: requests over kept connections, all bytes counted."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

SECONDS = 120.0
"""Longest time that one answer may take."""
PLAIN_FILE = "plain.bin"
"""Below the data folder: what the yardstick streams."""
_BUFFER_BYTES = 1024 * 1024


class Line:
    """One connection, kept open. Every answer must be a 200 with a Content-Length."""

    def __init__(self, port: int, path: str, cookie: str = "") -> None:
        self._line = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        kept = f"Cookie: {cookie}\r\n" if cookie else ""
        self._request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{kept}\r\n".encode()
        self._buffer = bytearray(_BUFFER_BYTES)

    def ask(self) -> int:
        """Bytes of the answer's body."""
        self._line.sendall(self._request)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self._line.recv(65536)
            if not piece:
                raise ConnectionError("the server closed the connection")
            head += piece
        head, _, body = head.partition(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").split("\r\n")
        named = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        if " 200 " not in f"{status} ":
            raise ConnectionError(f"the server said {status}")
        length, seen = int(named["content-length"]), len(body)
        while seen < length:
            taken = self._line.recv_into(self._buffer)
            if not taken:
                raise ConnectionError("the answer broke off")
            seen += taken
        return length

    def close(self) -> None:
        self._line.close()


def times(port: int, path: str, cookie: str = "", *, count: int, lines: int) -> tuple[float, list[float]]:
    """Seconds for `count` requests over so many connections at once, and the seconds of each."""
    share = count // lines

    def run(_: int) -> list[float]:
        line, taken = Line(port, path, cookie), []
        for _round in range(share):
            began = time.perf_counter()
            line.ask()
            taken.append(time.perf_counter() - began)
        line.close()
        return taken

    with ThreadPoolExecutor(lines) as pool:
        began = time.perf_counter()
        found = list(pool.map(run, range(lines)))
        seconds = time.perf_counter() - began
    return seconds, [taken for part in found for taken in part]
