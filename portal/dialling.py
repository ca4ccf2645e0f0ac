"""A connection outwards, to addresses that were looked at before, and over at a moment whatever the other side does."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_MOST_ADDRESSES = 4


@contextmanager
def connected(host: str, addresses: Sequence[str], port: int, *, tls: bool, until: float) -> Iterator[socket.socket]:
    """A connection to the first of `addresses` that answers; `host` is what its certificate must name, if `tls`.

    No name is looked up here, so it cannot lead elsewhere than where it was looked at. At `until`, a moment of
    `time.monotonic`, the connection is cut: whoever reads then finds its end, or OSError. Raises OSError.
    """
    with _reached(addresses[:_MOST_ADDRESSES], port, until) as line:
        # A server that gives a byte now and then would never meet a time-out for one read.
        cut = socket.socket(fileno=os.dup(line.fileno()))
        timer = threading.Timer(max(0.0, until - time.monotonic()), _cut, [cut])
        timer.daemon = True
        timer.start()
        try:
            if not tls:
                yield line
                return
            with ssl.create_default_context().wrap_socket(line, server_hostname=host) as secure:
                yield secure
        finally:
            timer.cancel()
            cut.close()


def _reached(addresses: Sequence[str], port: int, until: float) -> socket.socket:
    """The first address that answers: a host without IPv6 is often given IPv6 addresses, too."""
    for left, address in reversed(list(enumerate(reversed(addresses)))):
        remaining = until - time.monotonic()
        try:
            # Half of the time for each but the last, so that one that swallows packets leaves some for the next.
            return socket.create_connection((address, port), timeout=max(0.1, remaining / 2 if left else remaining))
        except OSError:
            continue
    raise ConnectionError("no address answers")


def _cut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was over in this very moment
