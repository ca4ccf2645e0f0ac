"""What can befall a running set-up, each as a context: it is so inside, and mended on leaving."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.promises.estate import Estate, can_mount, fill
from tests.servers import wait_for

HOUR = 3600
Trouble = Callable[[Estate], AbstractContextManager[None]]


@contextmanager
def postgresql_restarted(estate: Estate) -> Iterator[None]:
    estate.postgresql.stop()
    try:
        yield
    finally:
        estate.postgresql.start()


@contextmanager
def postgresql_killed(estate: Estate) -> Iterator[None]:
    estate.postgresql.kill()
    data = estate.postgresql.folder / "data"

    def all_gone() -> bool:
        """Its sessions would outlive it, and no other may start on their files. One that began in just that moment is
        seen by the next look only, and may wait for ever for a lock that a killed one held."""
        left = at_work_in(data)
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return not left

    all_gone()
    try:
        yield
    finally:
        wait_for(all_gone, 20, "PostgreSQL's own processes did not end")
        estate.postgresql.start()


@contextmanager
def broker_flushed(estate: Estate) -> Iterator[None]:
    estate.broker.flush()
    yield
    estate.broker.flush()


@contextmanager
def broker_killed(estate: Estate) -> Iterator[None]:
    estate.broker.kill()
    try:
        yield
    finally:
        estate.broker.start()


def part_killed(part: str) -> Trouble:
    """kill -9 of a part of the portal, which its supervisor starts again."""

    @contextmanager
    def killed(estate: Estate) -> Iterator[None]:
        if part in estate.portal.processes():  # it may be away from the last time
            estate.portal.kill_part(part)
        yield

    killed.__name__ = f"{part.replace('-', '_')}_killed"
    return killed


@contextmanager
def scheduler_killed(estate: Estate) -> Iterator[None]:
    """One of two; the other goes on."""
    if "beat" in estate.portal.processes():
        estate.portal.kill_part("beat")
    yield


@contextmanager
def spool_full(estate: Estate) -> Iterator[None]:
    filler = fill(estate.spool)
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def database_disk_full(estate: Estate) -> Iterator[None]:
    """PostgreSQL may end itself for it; whoever frees the disk then starts it again."""
    filler = fill(estate.postgresql.folder)
    try:
        yield
    finally:
        filler.unlink()
        process = estate.postgresql.process
        if process is not None and process.poll() is not None:
            estate.postgresql.start()


@contextmanager
def blobs_away(estate: Estate) -> Iterator[None]:
    estate.bucket.cut()
    try:
        yield
    finally:
        estate.bucket.well()


@contextmanager
def blobs_slow(estate: Estate) -> Iterator[None]:
    estate.bucket.slow(0.1)
    try:
        yield
    finally:
        estate.bucket.well()


@contextmanager
def blobs_silent(estate: Estate) -> Iterator[None]:
    estate.bucket.silent()
    try:
        yield
    finally:
        estate.bucket.well()


@contextmanager
def relay_away(estate: Estate) -> Iterator[None]:
    estate.mailhost.network.cut()
    try:
        yield
    finally:
        estate.mailhost.well()


@contextmanager
def relay_busy(estate: Estate) -> Iterator[None]:
    estate.mailhost.busy()
    try:
        yield
    finally:
        estate.mailhost.well()


@contextmanager
def relay_tarpit(estate: Estate) -> Iterator[None]:
    estate.mailhost.tarpit(2)
    try:
        yield
    finally:
        estate.mailhost.well()


@contextmanager
def relay_cut_in_data(estate: Estate) -> Iterator[None]:
    """After the commands of a mail (some 250 bytes) and before its end (a notice has several KiB)."""
    estate.mailhost.network.cut_after(1500)
    try:
        yield
    finally:
        estate.mailhost.well()


@contextmanager
def clock_ahead(estate: Estate) -> Iterator[None]:
    estate.set_clock(HOUR)
    try:
        yield
    finally:
        estate.set_clock(0)


@contextmanager
def clock_behind(estate: Estate) -> Iterator[None]:
    estate.set_clock(-HOUR)
    try:
        yield
    finally:
        estate.set_clock(0)


KILLS = [part_killed(part) for part in ("web", "door", "worker-passcode", "worker-mail")]
SERVICES = [
    postgresql_restarted, postgresql_killed, broker_flushed, broker_killed, scheduler_killed,
    blobs_away, blobs_slow, blobs_silent, relay_away, relay_busy, relay_tarpit, relay_cut_in_data,
]  # fmt: skip
DISKS = [spool_full, database_disk_full]
CLOCKS = [clock_ahead, clock_behind]


def possible() -> list[Trouble]:
    """All that can be made here: small disks need root."""
    return [*KILLS, *SERVICES, *CLOCKS, *(DISKS if can_mount() else [])]


def at_random(estate: Estate, seconds: float, seed: int) -> dict[str, int]:
    """One trouble after the other, each for a few seconds, sometimes two at once; how often each was made."""
    dice, until = random.Random(seed), time.monotonic() + seconds
    made: dict[str, int] = {}
    choices = possible()
    while time.monotonic() < until:
        chosen = dice.sample(choices, 2 if dice.random() < 0.2 else 1)
        with contextlib.ExitStack() as stack:
            for trouble in chosen:
                stack.enter_context(trouble(estate))
                made[trouble.__name__] = made.get(trouble.__name__, 0) + 1
            time.sleep(dice.uniform(0.5, 6))
        time.sleep(dice.uniform(0, 3))
    return made


def at_work_in(folder: Path) -> set[int]:
    """Processes whose working directory is this one."""
    found = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and (entry / "cwd").readlink() == folder:
                found.add(int(entry.name))
    return found
