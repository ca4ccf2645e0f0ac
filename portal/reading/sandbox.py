"""The sandbox that renders strangers' files: no network, no files but the system's, bounds on everything, then gone.

bubblewrap shuts in one run of portal.reading.rendering: its own users, processes and network, a file system of the
system's libraries that cannot be written, and /tmp in memory. The file comes in by memory, what is shown goes out by a
pipe; nothing of either is on a disk (P2). When its time is over, all of it is killed.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from portal.reading import syscalls
from portal.reading.rendering import office, wire
from portal.reading.rendering.wire import Answer, Asked

log = logging.getLogger(__name__)
SECONDS = 30.0
OFFICE_SECONDS = 90.0
"""By the clock. The sandbox's own limit of processor time (rendering.inside) mostly ends it before."""
SCRATCH = str(office.HOME)
SCRATCH_BYTES = 256 * 1024 * 1024
"""Of /tmp in the sandbox, which is memory."""
LOOK_AGAIN_SECONDS = 60.0
"""How long it is believed that there is no sandbox; that there is one is believed for good."""
_RENDERING = Path(__file__).resolve().parent / "rendering"
_START = "import sys; sys.path.insert(0, '/app'); from portal.reading.rendering.inside import main; main()"
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_READ_ONLY = ("/etc/fonts", "/etc/libreoffice", "/etc/ld.so.cache", "/var/cache/fontconfig")
_looking = threading.Lock()
_looked = 0.0
_seen = threading.Event()


def run(asked: Asked, source: Iterable[bytes], seconds: float = 0) -> Answer:
    """Ask one question about a file. What goes wrong in there, or takes too long, is the answer `failed`.

    `seconds` is by the clock; without it as long as its kind may take.
    """
    calls = syscalls.filter_of()
    if not calls:
        return Answer(wire.FAILED)
    with _memory(chain([asked.encode()], source)) as held, _memory([calls]) as walls:
        return _run(asked, held, walls, seconds)


def available() -> bool:
    """Whether files can be rendered on this host: tried once with a text of one letter."""
    global _looked
    if _seen.is_set():
        return True
    with _looking:  # who comes meanwhile waits for the answer, and does not take "no" for it
        if not _seen.is_set() and (not _looked or time.monotonic() - _looked > LOOK_AGAIN_SECONDS):
            _looked = time.monotonic()
            if shutil.which("bwrap") and run(Asked("text", wire.PAGES), [b"x"]).state == wire.OK:
                _seen.set()
    return _seen.is_set()


def office_available() -> bool:
    """Whether office files can be, too."""
    return Path(office.PROGRAM).exists() and available()


def _run(asked: Asked, held: int, walls: int, seconds: float) -> Answer:
    seconds = seconds or (OFFICE_SECONDS if asked.kind == "office" else SECONDS)
    try:
        child = subprocess.Popen(
            command(walls),
            pass_fds=[walls],
            stdin=held,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a library's complaint may quote the file
            start_new_session=True,
            env={},
        )
    except OSError as error:
        log.error("A preview's sandbox cannot be started: %s", type(error).__name__)
        return Answer(wire.FAILED)
    late = threading.Timer(seconds, _kill, [child])
    late.start()
    try:
        given = child.stdout.read(4 + wire.HEAD_BYTES + wire.DATA_BYTES) if child.stdout else b""
    finally:
        late.cancel()
        _kill(child)
        child.wait()
        if child.stdout:
            child.stdout.close()
    try:
        return Answer.decode(given)
    except wire.Garbled:
        log.info("A preview gave no answer (%s).", asked.kind)
        return Answer(wire.FAILED)


@contextmanager
def _memory(pieces: Iterable[bytes]) -> Iterator[int]:
    """The pieces as a file that is nowhere but in memory, at its beginning; its descriptor."""
    held = os.memfd_create("preview", os.MFD_CLOEXEC)
    try:
        with os.fdopen(held, "wb", closefd=False) as file:
            file.writelines(pieces)
        os.lseek(held, 0, os.SEEK_SET)
        yield held
    finally:
        os.close(held)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the sandbox. Its first process dies with bubblewrap's (--die-with-parent), and all others with that."""
    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def command(walls: int) -> tuple[str, ...]:
    """bubblewrap's, with Python and its packages, and of the portal what renders and nothing else; `walls` is the
    descriptor of the filter for system calls, read when everything is mounted."""
    python = sorted({sys.prefix, sys.base_prefix} - {"/usr"})
    bound = [name for name in _READ_ONLY if Path(name).exists()]
    return (
        shutil.which("bwrap") or "bwrap",
        "--unshare-all", "--unshare-user", "--seccomp", str(walls), "--die-with-parent", "--new-session",
        "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL", "--clearenv",
        # No /proc: less to see, and containers that allow user namespaces seldom allow to mount one.
        *_variables(HOME=SCRATCH, TMPDIR=SCRATCH, LANG="C.UTF-8", PATH="/usr/bin:/bin"),
        "--size", str(SCRATCH_BYTES), "--tmpfs", SCRATCH, "--dev", "/dev",
        "--ro-bind", "/usr", "/usr", *_system(),
        *(word for name in bound for word in ("--ro-bind", name, name)),
        *(word for name in python for word in ("--ro-bind", name, name)),
        "--ro-bind", str(_RENDERING), "/app/portal/reading/rendering",
        "--remount-ro", "/", "--remount-ro", "/dev", "--chdir", SCRATCH,
        "--", sys.executable, "-I", "-B", "-c", _START,
    )  # fmt: skip


def _variables(**given: str) -> list[str]:
    return [word for name, value in given.items() for word in ("--setenv", name, value)]


def _system() -> list[str]:
    """The folders beside /usr: mostly links into it, as this Debian has them."""
    words: list[str] = []
    for name in _SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    return words
