"""Several threads talk to mail servers; all that touches the database is done by the one that holds the desk.

A thread that waits for a slow server costs nothing but itself, and no connection to the database.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar, cast

T = TypeVar("T")


class Desk:
    """Calls handed in by other threads, done one after the other by the owner."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._owner = threading.get_ident()

    def ask(self, call: Callable[[], T]) -> T:
        """Have `call` done at the desk and wait for it; gives what it gives and raises what it raises."""
        if threading.get_ident() == self._owner:
            return call()
        answered = threading.Event()
        result: list[tuple[bool, object]] = []
        about = copy_context()  # which mail the asker is at: what the owner logs of it says so

        def answer() -> None:
            try:
                result.append((True, about.run(call)))
            except BaseException as error:
                result.append((False, error))
                if not isinstance(error, Exception):
                    raise  # the owner is being stopped; the asker is told, and nobody swallows it
            finally:
                answered.set()

        self._calls.put(answer)
        answered.wait()
        well, value = result[0]
        if well:
            return cast("T", value)
        raise cast("BaseException", value)

    def wake(self) -> None:
        """Let `serve` look up: a thread has come to its end."""
        self._calls.put(lambda: None)

    def serve(self, seconds: float) -> None:
        """Do what was handed in, or wait at most `seconds` for something."""
        try:
            self._calls.get(timeout=seconds)()
            while True:
                self._calls.get_nowait()()
        except queue.Empty:
            return
