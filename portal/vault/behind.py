"""Writing in a second thread while the next piece is made: AES and the kernel's copying overlap (1.5 times seen)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from types import TracebackType
from typing import Self

Write = Callable[[memoryview], object]
_BUFFERS = 3  # one being filled, one being written, one waiting between them


def write_whole(write: Write, data: memoryview) -> None:
    """All of `data`: an unbuffered file may take less and say so, as it does on a disk that is nearly full."""
    while data:
        taken = write(data)
        data = data[taken:] if isinstance(taken, int) else data[:0]


class WriteBehind:
    """Lends buffers to fill and hands them to `write` in order. Used as a context; leaving it waits for the last one.

    What `write` raises comes out of the next call here, or on leaving. A single piece is written without a thread.
    """

    def __init__(self, write: Write, size: int) -> None:
        self._write = write
        self._free: SimpleQueue[memoryview] = SimpleQueue()
        self._full: SimpleQueue[tuple[memoryview, int] | None] = SimpleQueue()
        for _ in range(_BUFFERS):
            self._free.put(memoryview(bytearray(size)))
        self._first: tuple[memoryview, int] | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def buffer(self) -> memoryview:
        """A buffer that nobody uses; waits for one."""
        buffer = self._free.get()
        if self._failure is not None:
            raise self._failure
        return buffer

    def send(self, buffer: memoryview, length: int) -> None:
        """Have the first `length` bytes of a lent buffer written."""
        if self._thread is not None:
            self._full.put((buffer, length))
        elif self._first is None:
            self._first = (buffer, length)
        else:
            self._full.put(self._first)
            self._full.put((buffer, length))
            self._thread = threading.Thread(target=self._run, name="write-behind", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (item := self._full.get()) is not None:
            buffer, length = item
            # After a failure the rest is only taken back, so that whoever waits for a buffer gets one and learns of it.
            if self._failure is None:
                try:
                    write_whole(self._write, buffer[:length])
                except BaseException as failure:
                    self._failure = failure
            self._free.put(buffer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._full.put(None)
            self._thread.join()
        elif self._first is not None and error is None:
            buffer, length = self._first
            write_whole(self._write, buffer[:length])
        if self._failure is not None and error is None:
            raise self._failure
