"""Making several files of the spool durable at a time, in a folder or in a bucket."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Self, TypeVar

from portal.ingest import spoolbucket

UPLOADS = 8
"""Files that go to a bucket at a time."""
FSYNCS = 4
"""Fsyncs that run together share flushes of the disk; eight were no quicker, and more often took the turn of the door's
loop."""
SLOW_SECONDS = 0.003
"""What an fsync takes on a disk that is worth threads. Where it takes less, the caller makes them one after the other:
the first writes the journal for all, and handing the others over took more processor time than they did."""
T = TypeVar("T")
R = TypeVar("R")


class Hands:
    """A pool of threads; leave it, or close it, to end them."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(UPLOADS, thread_name_prefix="keep")

    def map(self, work: Callable[[T], R], over: Iterable[T]) -> Iterator[R]:
        """The outcome for each, in order. Threads take over where it pays."""
        waiting = list(over)
        if spoolbucket.bucket() is not None:
            return self._pool.map(work, waiting)
        done: list[R] = []
        while len(done) < len(waiting):
            began = time.monotonic()
            done.append(work(waiting[len(done)]))
            if time.monotonic() - began > SLOW_SECONDS:
                return chain(done, self._shared(work, waiting[len(done) :]))
        return iter(done)

    def _shared(self, work: Callable[[T], R], waiting: list[T]) -> Iterator[R]:
        """Each thread gets a share, for to hand over each file by itself takes longer than writing it."""
        size = max(1, -(-len(waiting) // FSYNCS))
        shares = [waiting[start : start + size] for start in range(0, len(waiting), size)]
        return chain.from_iterable(self._pool.map(lambda share: [work(one) for one in share], shares))

    def close(self) -> None:
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
