"""The door: many small mails and one large one, ours beside stock aiosmtpd and Postfix's smtp-sink."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench.client import has_source, send_large, send_many
from bench.rounds import alternate, wall
from bench.samples import large_mail, mail
from bench.table import Row, Target
from portal.ingest.spares import Spares
from tests import parts
from tests.servers import MANAGE, ROOT, Portal, Server, free_port, listens, wait_for

SMALL = 10 * 1024
LARGE = 100 * 1024 * 1024
COUNT = 400
SESSIONS = 20
OURS, TWO = "ours", "ours, twice"
SINK = "smtp-sink"
PLAIN = "aiosmtpd + fsync"
KEEPING = "aiosmtpd + fsync, folder, row"


class Taker(Server):
    """A server that takes mail in; `kept` is the folder with a file for each mail it holds, if it keeps any."""

    kept: Path | None = None

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.ports: tuple[int, ...] = (self.port,)
        self.folder = folder
        folder.mkdir()

    def launch(self, command: list[str | Path], environment: dict[str, str] | None = None) -> None:
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            wait_for(lambda: listens(self.port), 30, f"{command[0]} does not take mail in")
        except BaseException as error:
            self.kill()
            error.add_note((self.folder / "log.txt").read_text())
            raise

    def mails(self) -> list[Path]:
        """The files of what is kept, a lock beside them left out."""
        return [path for path in self.kept.glob("[!.]*") if path.is_file()] if self.kept is not None else []

    def forget(self) -> None:
        """Delete the mails, so that the disk does not fill."""
        for path in self.mails():
            path.unlink()

    def peak(self) -> float:
        """Most memory ever resident, in MB (10^6 bytes), as the kernel counts it: VmHWM of proc_pid_status(5)."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


class Letterlock(Taker):
    """`manage.py door` on a data folder that `manage.py prepare` made; one process."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._portal = Portal(folder / "data", LETTERLOCK_DEMO="off")
        self._portal.manage("prepare")
        self.kept = folder / "data" / "spool"

    def start(self) -> None:
        self.launch(
            [sys.executable, MANAGE, "door"],
            {**self._portal.environment, "LETTERLOCK_SMTP": f"127.0.0.1:{self.port}"},
        )

    def forget(self) -> None:
        """As the pipeline does when a mail is sealed."""
        assert self.kept is not None
        spares = Spares(self.kept)
        for path in self.mails():
            spares.remove(path)


class TwoDoors(Letterlock):
    """Two such processes on one data folder, a port each, as a load balancer would use them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._second = Taker(folder / "second")
        self.ports = (self.port, self._second.port)

    def start(self) -> None:
        super().start()
        try:
            self._second.launch(
                [sys.executable, MANAGE, "door"],
                {**self._portal.environment, "LETTERLOCK_SMTP": f"127.0.0.1:{self._second.port}"},
            )
        except BaseException:
            self.kill()
            raise

    def stop(self) -> int:
        return max(self._second.stop(), super().stop())


class Plain(Taker):
    """Stock aiosmtpd with the handler of plaintext.py."""

    more: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.kept = folder / "mails"
        self.kept.mkdir()

    def start(self) -> None:
        self.launch(
            [sys.executable, Path(__file__).parent / "plaintext.py", str(self.port), str(self.kept), *self.more]
        )


class Keeping(Plain):
    """The same, whose 250 promises as much as ours does: the name of the file and a row of it are safe as well."""

    more = ("rows",)


class Sink(Taker):
    """Postfix's smtp-sink, which reads mail and forgets it."""

    def start(self) -> None:
        program = parts.program(SINK)
        assert program is not None
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.launch([program, *user, f"127.0.0.1:{self.port}", "100"])


def rows(folder: Path, say: Callable[[str], None]) -> list[Row]:
    """All rows of this group. `folder` lies on the disk to be measured; `say` is told what must be left out."""
    kinds: dict[str, type[Taker]] = {OURS: Letterlock, PLAIN: Plain, SINK: Sink}
    if parts.program(SINK) is None:
        say("smtp-sink is not here, so the door is not compared with it (apt-get install postfix)")
        del kinds[SINK]
    if not has_source():
        say("smtp-source is not here, so a slower client stands in for all sides (apt-get install postfix)")
    return [*_small(folder, kinds), *_large(folder, kinds)]


def _small(folder: Path, kinds: dict[str, type[Taker]]) -> list[Row]:
    sample = folder / "small.eml"
    sample.write_bytes(mail(SMALL).replace(b"\r\n", b"\n"))
    with ExitStack() as running:
        takers = _started(folder, "small", {**kinds, TWO: TwoDoors, KEEPING: Keeping}, running)
        for taker in takers.values():
            send_many(taker.ports, sample, 2 * SESSIONS, SESSIONS)
        found = alternate({name: _sending(taker, sample) for name, taker in takers.items()}, seconds=30, warm=False)
    what = f"door: 10 KiB mails, {SESSIONS} sessions"
    made = [Row(what, PLAIN, "/s", found[OURS], found[PLAIN], Target(1.1))]
    made.append(Row("the same, two processes", PLAIN, "/s", found[TWO], found[PLAIN], Target(1.7)))
    made.append(Row(what, KEEPING, "/s", found[OURS], found[KEEPING], Target(1.1)))
    made.append(Row("the same, two processes", KEEPING, "/s", found[TWO], found[KEEPING], Target(1.7)))
    if SINK in found:
        made.append(Row(what, SINK, "/s", found[OURS], found[SINK]))
    return made


def _sending(taker: Taker, sample: Path) -> Callable[[], float]:
    def run() -> float:
        taker.forget()
        seconds = wall(lambda: send_many(taker.ports, sample, COUNT, SESSIONS))
        if taker.kept is not None and len(taker.mails()) != COUNT:
            raise AssertionError(f"{type(taker).__name__} said 250 for mail that it does not hold")
        return COUNT / seconds

    return run


def _large(folder: Path, kinds: dict[str, type[Taker]]) -> list[Row]:
    sample = folder / "large.eml"
    large_mail(sample, LARGE)
    with ExitStack() as running:
        takers = _started(folder, "large", kinds, running)
        found = alternate({name: _sending_one(taker, sample) for name, taker in takers.items()}, seconds=30, warm=False)
        peaks = {name: taker.peak() for name, taker in takers.items()}
    what, bound = "door: one 100 MiB mail", Target(1.3, at_least=False)
    made = [Row(what, SINK, "s", found[OURS], found[SINK], bound)] if SINK in found else []
    made.append(Row(what, PLAIN, "s", found[OURS], found[PLAIN]))
    memory = Target(80, at_least=False, absolute=True)
    made.append(Row("its peak memory", PLAIN, "MB", (peaks[OURS],), (peaks[PLAIN],), memory))
    return made


def _sending_one(taker: Taker, sample: Path) -> Callable[[], float]:
    def run() -> float:
        taker.forget()
        return wall(lambda: send_large(taker.port, sample))

    return run


def _started(folder: Path, name: str, kinds: dict[str, type[Taker]], running: ExitStack) -> dict[str, Taker]:
    """Fresh servers, each in a folder of its own."""
    return {
        side: running.enter_context(kind(folder / f"{name}-{kind.__name__.lower()}")) for side, kind in kinds.items()
    }
