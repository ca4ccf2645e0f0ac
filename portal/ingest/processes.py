"""Several door processes that share the ports: started together, again when one dies, and stopped together."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NoReturn

from portal.ingest.serving import Listener, NotListening

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS = 0.25, 30.0, 60.0
STOP_SECONDS = 7.5
"""From SIGTERM to SIGKILL: a door gives open transactions 5 s and what it closes 2; `manage.py up` waits 8."""
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
Run = Callable[[int, int], None]
"""Serves as the process of a number, until a signal says stop, or the end of the pipe whose descriptor it gets."""
Ended = Callable[[int], None]
"""Told of the number of a process that has ended, before another takes its place."""


@dataclass
class _Door:
    number: int
    pid: int = 0
    started_at: float = 0.0
    pause: float = FIRST_PAUSE
    due_at: float = 0.0


def supervise(count: int, places: Sequence[Listener], run: Run, ended: Ended) -> None:
    """Keep `count` processes, numbered from 0, at `run` until SIGTERM or SIGINT; SIGHUP is passed on to them.

    Call with one thread, no open key and no database connection. Raises NotListening when others have a port.
    """
    with ExitStack() as held:
        # Bound and never listening: it gets no connection, and nobody else takes the port while a door restarts.
        for place in places:
            held.enter_context(_reserved(place))
        # Closed with this process, however it ends: no door outlives its supervisor.
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        held.callback(os.close, theirs)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            doors = [_Door(number) for number in range(count)]
            _tend(doors, lambda number: _fork(lambda: run(number, ours), theirs), ended)
            _stop(doors)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            os.close(ours)


def _reserved(place: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.address.host else socket.AF_INET
    where = (place.address.host, place.address.port)
    reserved = socket.socket(family, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        # First without SO_REUSEPORT: with it, the doors of a second Letterlock would share those of the first one.
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            probe.listen(1)
        reserved.bind(where)
    except OSError as error:
        reserved.close()
        raise NotListening(place, error) from None
    return reserved


def _tend(doors: list[_Door], fork: Callable[[int], int], ended: Ended) -> None:
    while True:
        now = time.monotonic()
        for door in doors:
            if not door.pid and now >= door.due_at:
                door.pid, door.started_at = fork(door.number), now
        waiting = [door.due_at - now for door in doors if not door.pid]
        heard = signal.sigtimedwait(_SIGNALS, max(0.0, min(waiting, default=3600.0)))
        if heard is None or heard.si_signo == signal.SIGCHLD:
            _bury(doors, ended)
        elif heard.si_signo == signal.SIGHUP:
            _tell(doors, signal.SIGHUP)
        else:
            return


def _bury(doors: list[_Door], ended: Ended) -> None:
    """Note which doors have ended. One SIGCHLD may stand for several."""
    now = time.monotonic()
    for door in doors:
        if not door.pid or os.waitpid(door.pid, os.WNOHANG)[0] == 0:
            continue
        ended(door.number)
        if now - door.started_at > STEADY_SECONDS:
            door.pause = FIRST_PAUSE
        log.error("a door process ended and is started again in %.2g s", door.pause)
        door.pid, door.due_at = 0, now + door.pause
        door.pause = min(LONGEST_PAUSE, door.pause * 2)


def _tell(doors: list[_Door], number: signal.Signals) -> None:
    for door in doors:
        if door.pid:
            os.kill(door.pid, number)


def _stop(doors: list[_Door]) -> None:
    _tell(doors, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while any(door.pid for door in doors):
        for door in doors:
            if door.pid and os.waitpid(door.pid, os.WNOHANG)[0]:
                door.pid = 0
        if time.monotonic() > until:
            _tell(doors, signal.SIGKILL)
        if any(door.pid for door in doors):
            signal.sigtimedwait({signal.SIGCHLD}, 0.2)


def _fork(run: Callable[[], None], theirs: int) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(theirs)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        _serve(run)
    return pid


def _serve(run: Callable[[], None]) -> NoReturn:
    status = 1
    try:
        run()
        status = 0
    except Exception as error:
        log.error("a door process failed: %s", error if isinstance(error, NotListening) else type(error).__name__)
    finally:
        sys.stderr.flush()
        os._exit(status)
