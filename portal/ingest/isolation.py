"""Bounds on what one mail may take of its process: what goes beyond them ends that process, and the mail is counted.

Only a worker's child asks for them (`enable`): it is replaced when it ends. A mail that ends its process is tried a few
times alone and then held (portal.ingest.pipeline).
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_enabled_seconds = 0


def enable(*, cpu_seconds: int, memory_bytes: int) -> None:
    """From now on in this process: `cpu_seconds` for a mail, and `memory_bytes` of address space on top of what is
    mapped now. Python raises MemoryError then; a library in C or Rust that cannot go on aborts.
    """
    global _enabled_seconds
    _enabled_seconds = cpu_seconds
    limit = _mapped_bytes() + memory_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


@contextmanager
def bounded(size: int) -> Iterator[None]:
    """Give the work on a mail of `size` bytes its processor time, a second more for each MiB.

    Processor time, not time of the clock: a mail that waits for a slow disk or key service is no poison.
    """
    if not _enabled_seconds:
        yield
        return
    # The default of the signal ends the process, also in a loop within a C or Rust library, where no handler of
    # Python's would ever run; the pool sets one for every signal that ends a process.
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_VIRTUAL, _enabled_seconds + (size >> 20))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _mapped_bytes() -> int:
    """Address space of this process: field 1 of /proc/self/statm, in pages (proc(5))."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
