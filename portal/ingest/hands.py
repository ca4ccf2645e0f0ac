"""Threads that make several files of the spool durable at a time, in a folder or in a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Self, TypeVar

from portal.ingest import spoolbucket

UPLOADS = 8
"""Files that go to a bucket at a time."""
FSYNCS = 4
"""Fsyncs that run together share writes of the disk's journal; eight were no quicker, and more often took the turn of
the door's loop."""
T = TypeVar("T")
R = TypeVar("R")


class Hands:
    """A pool of threads; leave it, or close it, to end them."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(UPLOADS, thread_name_prefix="keep")

    def map(self, work: Callable[[T], R], over: Iterable[T]) -> Iterator[R]:
        """The outcome for each, in order. In a folder each thread gets a share, for to hand over each file by itself
        takes longer than writing it."""
        waiting = list(over)
        if len(waiting) == 1:
            return map(work, waiting)
        if spoolbucket.bucket() is not None:
            return self._pool.map(work, waiting)
        size = max(1, -(-len(waiting) // FSYNCS))
        shares = [waiting[start : start + size] for start in range(0, len(waiting), size)]
        return chain.from_iterable(self._pool.map(lambda share: [work(one) for one in share], shares))

    def close(self) -> None:
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
