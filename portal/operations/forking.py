"""A child process that begins as a copy of this one, so that five parts load the product once and share its memory."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from portal import spans
from portal.operations import hardening
from portal.operations.logs import last_word

PR_SET_NAME = 15


class Child:
    """A process made by `fork`, leader of a session and process group of its own."""

    def __init__(self, name: str, run: Callable[[], None], close: Callable[[], None]) -> None:
        """`run` is called in the child, after `close` has closed what belongs to the parent alone.

        Call only in a process with one thread, in which no key and no database connection has been opened: the copy
        would have them too (the door must hold no secret key).
        """
        self.output, theirs = os.pipe2(os.O_CLOEXEC)
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.output)
            close()
            _become(name, theirs, parent)
            _run(run)
        os.close(theirs)
        os.set_blocking(self.output, False)
        self.status: int | None = None
        """Exit status, negative for a signal; None while it runs."""

    def poll(self) -> int | None:
        """The exit status once it has ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def wait(self) -> None:
        """Until it has ended."""
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def stop(self) -> None:
        """Ask it to end its own processes in order and then itself."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill_group(self) -> None:
        """End it and all that it started, or what it left behind."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _become(name: str, output: int, parent: int) -> None:
    # A session of its own: Ctrl-C goes to the whole foreground group of a terminal, and only the parent shall hear it.
    os.setsid()
    hardening.die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    empty = os.open(os.devnull, os.O_RDONLY)
    for theirs, ours in ((empty, 0), (output, 1), (output, 2)):
        os.dup2(theirs, ours)
    os.close(empty)
    os.close(output)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ["LETTERLOCK_PART"] = name
    sys.argv = ["manage.py", name]
    # What `ps -o comm` and `top` show (at most 15 bytes); the command line is the parent's.
    ctypes.CDLL(None).prctl(PR_SET_NAME, f"ll-{name}".encode()[:15], 0, 0, 0)


def _run(run: Callable[[], None]) -> NoReturn:
    """Never returns: what stands above on the stack is the parent's."""
    status = 1
    try:
        hardening.harden()
        run()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        elif end.code is None:
            status = 0
    except BaseException as error:  # the last word of this process
        sys.stderr.write(f"{last_word(error)}\n")
    finally:
        spans.flush()
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
