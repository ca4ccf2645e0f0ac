"""A network in front of a server that can be cut, slow, silent, cut in the middle, or lead to somebody else."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Self

_PAGE = b"<!doctype html><title>Welcome to nginx</title>"
_GARBAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(_PAGE), _PAGE)


class Relay:
    """Passes connections on to a port of 127.0.0.1 until told otherwise; telling it ends the open ones."""

    def __init__(self, target: int, host: str = "127.0.0.1") -> None:
        """`host` is the address of this machine that it listens on."""
        self._target = target
        self._host = host
        self._mode = "pass"
        self._delay = 0.0
        self._most = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self.port = 0
        self.asked = 0
        """Connections taken so far."""

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def cut(self) -> None:
        """Nobody listens any more."""
        listener, self._listener = self._listener, None
        if listener:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self._hang_up()

    def silent(self) -> None:
        """Takes connections and never answers."""
        self._be("silent")

    def slow(self, seconds: float) -> None:
        """Passes on, each piece so much later."""
        self._delay = seconds
        self._be("slow")

    def cut_after(self, size: int) -> None:
        """Takes so many bytes of each connection, then it breaks."""
        self._most = size
        self._be("cut after")

    def garbage(self) -> None:
        """Answers everything with a page."""
        self._be("garbage")

    def well(self) -> None:
        """Passes on again."""
        self._be("pass")

    def _be(self, mode: str) -> None:
        self._mode = mode
        self._hang_up()
        if self._listener is None:
            self._listen()

    def _listen(self) -> None:
        self._listener = socket.create_server((self._host, self.port), reuse_port=False)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self.asked += 1
            with self._lock:
                self._open.add(near)
            threading.Thread(target=self._serve, args=(near, self._mode), daemon=True).start()

    def _serve(self, near: socket.socket, mode: str) -> None:
        with contextlib.suppress(OSError):
            if mode in ("pass", "slow", "cut after"):
                delay = self._delay if mode == "slow" else 0.0
                far = socket.create_connection(("127.0.0.1", self._target))
                with self._lock:
                    self._open.add(far)
                threading.Thread(target=_pump, args=(far, near, delay), daemon=True).start()
                _pump(near, far, delay, self._most if mode == "cut after" else None)
            elif mode == "garbage":
                while near.recv(65536):
                    near.sendall(_GARBAGE)
            else:
                while near.recv(65536):
                    pass

    def _hang_up(self) -> None:
        with self._lock:
            ended, self._open = self._open, set()
        for line in ended:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()


def _pump(source: socket.socket, target: socket.socket, delay: float = 0.0, most: int | None = None) -> None:
    passed = 0
    with contextlib.suppress(OSError):
        while received := source.recv(65536):
            if delay:
                time.sleep(delay)
            passed += len(received)
            if most is not None and passed > most:
                for line in (source, target):
                    line.shutdown(socket.SHUT_RDWR)
                return
            target.sendall(received)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
