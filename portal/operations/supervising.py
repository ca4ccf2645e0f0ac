"""One tree of processes: started together, restarted when one dies, stopped together within ten seconds."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from portal.operations import hardening
from portal.operations.journals import Journal, shown

STOP_SECONDS = 8.0
"""From SIGTERM to SIGKILL; the promise is ten."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_SECONDS = 60.0
"""A part that ran this long is restarted without a long pause again."""


@dataclass
class Part:
    """One process of the tree."""

    name: str
    command: list[str]
    once: bool = False
    """Not restarted when it ends."""
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE
    due_at: float = 0.0
    ended_with: int | None = None
    """Exit status of the last run."""
    unfinished: bytes = b""
    journal: Journal | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Tree:
    """The parts and what they say. All of it runs in the main thread: the kernel kills a child whose starter ends."""

    def __init__(self, parts: list[Part], logs: Path, say: Callable[[str], None]) -> None:
        self.parts = parts
        self._logs = logs
        self._say = say
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
            if part.process is not None and part.process.poll() is not None:
                self._ended(part, now)
            if part.process is None and not part.once and now >= part.due_at:
                self._start(part)

    def stop(self, impatient: Callable[[], bool]) -> None:
        """SIGTERM to every part, then SIGKILL to what is left after 8 s or at once when `impatient` says so."""
        for part in self.parts:
            part.once = True
            _signal(part, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while any(part.running for part in self.parts) and time.monotonic() < until and not impatient():
            for key, _ in self._selector.select(0.05):
                self._read(key.data)
        for part in self.parts:
            if part.process is None:
                continue
            if part.running:
                self._say(f"{part.name} did not stop in time and is ended now.")
            # Its own processes too: each part leads a group of its own.
            _signal(part, signal.SIGKILL)
            part.process.wait()
            self._read(part)
            self._forget(part)

    def _start(self, part: Part) -> None:
        part.journal = part.journal or Journal(self._logs, part.name)
        part.started_at = time.monotonic()
        part.process = subprocess.Popen(
            part.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LETTERLOCK_PART": part.name, "PYTHONUNBUFFERED": "1"},
            # Ctrl-C in the terminal goes to the whole foreground group: only this process shall hear it.
            start_new_session=True,
            preexec_fn=hardening.die_with_parent,  # one thread only, see the class
        )
        assert part.process.stdout is not None  # noqa: S101 # asked for above
        os.set_blocking(part.process.stdout.fileno(), False)
        self._selector.register(part.process.stdout, selectors.EVENT_READ, part)

    def _ended(self, part: Part, now: float) -> None:
        assert part.process is not None  # noqa: S101 # the caller looked
        self._read(part)
        part.ended_with = status = part.process.returncode
        _signal(part, signal.SIGKILL)  # what it may have left behind
        self._forget(part)
        if part.once:
            if status:
                self._say(f"{part.name} ended with status {status}. See {self._logs / part.name}.log.")
            return
        if now - part.started_at > STEADY_SECONDS:
            part.pause = FIRST_PAUSE
        self._say(f"{part.name} ended with status {status} and is started again. See {self._logs / part.name}.log.")
        part.due_at = now + part.pause
        part.pause = min(LONGEST_PAUSE, part.pause * 2)

    def _forget(self, part: Part) -> None:
        if part.process is not None and part.process.stdout is not None:
            self._stop_listening(part.process.stdout)
            part.process.stdout.close()
        part.process = None

    def _stop_listening(self, stream: IO[bytes]) -> None:
        if stream.fileno() in self._selector.get_map():
            self._selector.unregister(stream)

    def _read(self, part: Part) -> None:
        if part.process is None or part.process.stdout is None or part.journal is None:
            return
        while True:
            try:
                received = os.read(part.process.stdout.fileno(), 65536)
            except BlockingIOError:
                return
            lines = (part.unfinished + received).split(b"\n")
            part.unfinished = lines.pop() if received else b""
            for raw in lines:
                line, for_the_terminal = shown(raw)
                part.journal.write(line)
                if for_the_terminal and line.strip():
                    self._say(f"{part.name}: {line}")
            if not received:
                self._stop_listening(part.process.stdout)  # closed by the part itself; it would be ready for ever
                return


def this_program(*arguments: str) -> list[str]:
    """The command line of one of our own commands."""
    return [sys.executable, str(Path(__file__).resolve().parent.parent.parent / "manage.py"), *arguments]


def _signal(part: Part, number: signal.Signals) -> None:
    """To the part's whole group when it is to die, to itself when it is to stop its own processes in order."""
    if part.process is None:
        return
    try:
        if number == signal.SIGKILL:
            os.killpg(part.process.pid, number)
        elif part.running:
            part.process.send_signal(number)
    except ProcessLookupError:
        return
