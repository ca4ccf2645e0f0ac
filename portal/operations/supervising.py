"""One tree of processes: started together, restarted when one dies, stopped together within ten seconds."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from portal.operations.forking import Child
from portal.operations.journals import Journal, shown

STOP_SECONDS = 8.0
"""From SIGTERM to SIGKILL; the promise is ten."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
STEADY_SECONDS = 60.0
"""A part that ran this long is restarted without a long pause again."""


@dataclass
class Part:
    """One process of the tree."""

    name: str
    run: Callable[[], None]
    once: bool = False
    """Not restarted when it ends."""
    child: Child | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE
    due_at: float = 0.0
    ended_with: int | None = None
    """Exit status of the last run."""
    unfinished: bytes = field(default=b"", repr=False)
    journal: Journal | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None


class Tree:
    """The parts and what they say. All of it runs in the main thread: the kernel kills a child whose starter ends."""

    def __init__(self, parts: list[Part], logs: Path, say: Callable[[str], None], close: Callable[[], None]) -> None:
        """`close` is called in each child, to close what belongs to the caller alone."""
        self.parts = parts
        self._logs = logs
        self._say = say
        self._close = close
        self._selector = selectors.DefaultSelector()

    def start(self) -> None:
        for part in self.parts:
            self._start(part)

    def add(self, part: Part) -> None:
        """One more, started now."""
        self.parts.append(part)
        self._start(part)

    def tend(self, seconds: float) -> None:
        """Pass on what the parts say for at most this long, and restart those that died."""
        for key, _ in self._selector.select(seconds):
            self._read(key.data)
        now = time.monotonic()
        for part in self.parts:
            if part.child is not None and part.child.poll() is not None:
                self._ended(part, now)
            if part.child is None and not part.once and now >= part.due_at:
                self._start(part)

    def stop(self, impatient: Callable[[], bool]) -> None:
        """SIGTERM to every part, then SIGKILL to what is left after 8 s or at once when `impatient` says so."""
        for part in self.parts:
            part.once = True
            if part.child is not None:
                part.child.stop()
        until = time.monotonic() + STOP_SECONDS
        while any(part.running for part in self.parts) and time.monotonic() < until and not impatient():
            for key, _ in self._selector.select(0.05):
                self._read(key.data)
        for part in self.parts:
            if part.child is None:
                continue
            if part.running:
                self._say(f"{part.name} did not stop in time and is ended now.")
            # Its own processes too: each part leads a group of its own.
            part.child.kill_group()
            part.child.wait()
            self._read(part)
            self._forget(part)

    def _start(self, part: Part) -> None:
        part.journal = part.journal or Journal(self._logs, part.name)
        part.started_at = time.monotonic()
        part.child = Child(part.name, part.run, self._close_ours)
        self._selector.register(part.child.output, selectors.EVENT_READ, part)

    def _close_ours(self) -> None:
        """In a child: the other parts' pipes and logs are not its own."""
        self._selector.close()
        for part in self.parts:
            if part.child is not None:
                os.close(part.child.output)
            if part.journal is not None:
                part.journal.close()
        self._close()

    def _ended(self, part: Part, now: float) -> None:
        assert part.child is not None  # noqa: S101 # the caller looked
        self._read(part)
        part.ended_with = status = part.child.poll()
        part.child.kill_group()  # what it may have left behind
        self._forget(part)
        log = f"See {self._logs / part.name}.log."
        if part.once:
            if status:
                self._say(f"{part.name} ended with status {status}. {log}")
            return
        if now - part.started_at > STEADY_SECONDS:
            part.pause = FIRST_PAUSE
        self._say(f"{part.name} ended with status {status} and is started again. {log}")
        part.due_at = now + part.pause
        part.pause = min(LONGEST_PAUSE, part.pause * 2)

    def _forget(self, part: Part) -> None:
        if part.child is not None:
            self._stop_listening(part.child.output)
            os.close(part.child.output)
        part.child = None

    def _stop_listening(self, output: int) -> None:
        if output in self._selector.get_map():
            self._selector.unregister(output)

    def _read(self, part: Part) -> None:
        if part.child is None or part.journal is None:
            return
        while True:
            try:
                received = os.read(part.child.output, 65536)
            except BlockingIOError:
                return
            lines = (part.unfinished + received).split(b"\n")
            part.unfinished = lines.pop() if received else b""
            for raw in lines:
                self._pass_on(part, part.journal, raw)
            if not received:
                self._stop_listening(part.child.output)  # closed by the part itself; it would be ready for ever
                return

    def _pass_on(self, part: Part, journal: Journal, raw: bytes) -> None:
        line, for_the_terminal = shown(raw, part.name)
        if line.strip():
            journal.write(line)
            if for_the_terminal:
                self._say(line if line.startswith("{") else f"{part.name}: {line}")
