"""What every process does first: leave no memory image behind, keep files to itself, and die with its parent."""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys
import threading
from types import TracebackType

from portal.operations.logs import last_word

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
_libc = ctypes.CDLL(None, use_errno=True)


def no_memory_images() -> None:
    """No core file, and no process of the same user may attach (prctl(2), PR_SET_DUMPABLE): keys are in memory."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard != 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(PR_SET_DUMPABLE, 0)


def harden() -> None:
    """For a service process: no memory image, files for this user only, and no foreign exception text on stderr."""
    no_memory_images()
    os.umask(0o077)
    sys.excepthook = _report
    threading.excepthook = lambda args: _report(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends; for use between fork and exec."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def watch_parent(parent: int) -> None:
    """End this process as soon as `parent` is gone, whichever thread started it.

    A pool's replacement processes are started by a thread that ends before the pool does, so PR_SET_PDEATHSIG would
    kill them at work. A file descriptor of the parent (pidfd_open(2)) becomes readable at its death instead.
    """
    try:
        watched = os.pidfd_open(parent)
    except ProcessLookupError:
        os._exit(1)
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_exit_when_readable, args=(watched,), name="parent-watch", daemon=True).start()


def _exit_when_readable(watched: int) -> None:
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.poll()
    os.kill(os.getpid(), signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _report(kind: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.stderr.write(f"{last_word(error)}\n")
