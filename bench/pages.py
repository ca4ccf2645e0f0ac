"""What a reader waits for: the message page, a large download, and lists in a vault of a million messages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.asking import PLAIN_FILE, times
from bench.rounds import alternate
from bench.table import Row, Target
from tests import parts
from tests.servers import MANAGE, ROOT, PostgreSQL, Server, children_of, free_port, listens, wait_for, without_ours

PAGES, LINES = 400, 4
DOWNLOADS, DOWNLOAD_BYTES = 8, 100 * 1024 * 1024
FEW, MANY, OF_ONE, LOOKS = 10_000, 1_000_000, 60, 40
_MILLI = 1e3


class Web(Server):
    """`manage.py web`, one process, on a data folder; `settings` may be those of the yardstick."""

    def __init__(self, data: Path, settings: str = "portal.settings", **more: str) -> None:
        self.port, self.data = free_port(), data
        self.environment = {
            **without_ours(),
            "LETTERLOCK_DATA": str(data),
            "LETTERLOCK_DEMO": "off",
            "LETTERLOCK_INSIDE_DOMAINS": "aldervalley.example",
            "LETTERLOCK_HTTP": f"127.0.0.1:{self.port}",
            "DJANGO_SETTINGS_MODULE": settings,
            **more,
        }

    def prepare(self) -> None:
        self._run([sys.executable, MANAGE, "prepare"])

    def filled(self, *steps: list[object]) -> list[Any]:
        """What bench/filled.py says of these steps."""
        found: list[Any] = json.loads(self._run([sys.executable, "-m", "bench.filled", json.dumps(steps)]))
        return found

    def start(self) -> None:
        with (self.data.parent / f"{self.data.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, MANAGE, "web"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        wait_for(lambda: listens(self.port), 30, "the web server did not start")

    def resident(self, what: str) -> float:
        """Memory of the process that answers, in MB (10^6 bytes): `VmHWM` or `VmRSS` of proc_pid_status(5)."""
        assert self.process is not None
        (worker,) = children_of(self.process.pid)[-1:]
        status = Path(f"/proc/{worker}/status").read_text()
        return int(status.partition(f"{what}:")[2].split()[0]) * 1024 / 1e6

    def _run(self, command: list[str | Path]) -> str:
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout


def rows(folder: Path) -> list[Row]:
    """The message page and the download."""
    data = folder / "data"
    ours, theirs, framed = Web(data), Web(data, "bench.plain_settings"), Web(data, "bench.framed_settings")
    ours.prepare()
    (page, cookie), (file, of_file) = ours.filled(["message"], ["attachment", DOWNLOAD_BYTES])
    with (data / PLAIN_FILE).open("wb") as made:
        for _ in range(DOWNLOAD_BYTES >> 20):
            made.write(os.urandom(1 << 20))
    with ours, theirs, framed:
        return [*_page(ours, theirs, framed, page, cookie), *_download(ours, theirs, file, of_file)]


def _page(ours: Web, theirs: Web, framed: Web, page: str, cookie: str) -> list[Row]:
    late: dict[str, list[float]] = {"ours": [], "theirs": [], "framed": []}

    def asking(name: str, port: int, path: str, cookie: str = "") -> Callable[[], float]:
        def run() -> float:
            seconds, each = times(port, path, cookie, count=PAGES, lines=LINES)
            late[name].append(_MILLI * sorted(each)[int(len(each) * 0.99)])
            return PAGES / seconds

        return run

    found = alternate(
        {
            "ours": asking("ours", ours.port, page, cookie),
            "theirs": asking("theirs", theirs.port, "/one"),
            "framed": asking("framed", framed.port, "/framed"),
        },
        seconds=30,
    )
    against, framed_ = "one query, one template", "one query, the page's template and middleware"
    return [
        Row("message page", against, "/s", found["ours"], found["theirs"], Target(0.4)),
        Row(
            "the same, slowest of a hundred (p99)", against, "ms",
            tuple(late["ours"][1:]), tuple(late["theirs"][1:]), Target(3, at_least=False),
        ),
        Row("message page", framed_, "/s", found["ours"], found["framed"], Target(0.4)),
        Row(
            "the same, slowest of a hundred (p99)", framed_, "ms",
            tuple(late["ours"][1:]), tuple(late["framed"][1:]), Target(3, at_least=False),
        ),
    ]  # fmt: skip


def _download(ours: Web, theirs: Web, file: str, cookie: str) -> list[Row]:
    def asking(port: int, path: str, cookie: str = "") -> Callable[[], float]:
        def run() -> float:
            seconds, _ = times(port, path, cookie, count=DOWNLOADS, lines=DOWNLOADS)
            return DOWNLOADS * (DOWNLOAD_BYTES >> 20) / seconds

        return run

    times(ours.port, file, cookie, count=1, lines=1)
    times(theirs.port, "/file", count=1, lines=1)
    before = [ours.resident("VmRSS"), theirs.resident("VmRSS")]
    found = alternate({"ours": asking(ours.port, file, cookie), "theirs": asking(theirs.port, "/file")}, seconds=0)
    grown = [(web.resident("VmHWM") - was) / DOWNLOADS for web, was in zip((ours, theirs), before, strict=True)]
    what = f"download 100 MiB, {DOWNLOADS} at once"
    return [
        Row(what, "a plain file", "MiB/s", found["ours"], found["theirs"], Target(0.6)),
        Row(
            "memory that each of them adds", "a plain file", "MB", (grown[0],), (grown[1],),
            Target(16, at_least=False, absolute=True),
        ),
    ]  # fmt: skip


def lists(folder: Path, say: Callable[[str], None]) -> list[Row]:
    """The inbox and the office's list of messages among a million messages, beside ten thousand."""
    found = _lists(folder / "sqlite", "SQLite", {})
    if not parts.present("postgresql"):
        say("PostgreSQL is not here, so lists are measured on SQLite alone (apt-get install postgresql)")
        return found
    with PostgreSQL(folder) as server:
        urls = []
        for _ in range(2):
            server.new_database(tables=True)
            urls.append(server.url)
        return found + _lists(folder / "postgresql", "PostgreSQL", dict(zip((FEW, MANY), urls, strict=True)))


_LISTS = {
    "inbox": "inbox",
    "office": "list of messages",
    "recipient": "search by recipient",
    "sender": "search by sender",
    "state": "search by state and date",
    "timeline": "timeline of a message",
    "overview": "overview",
    "reports": "reports of 90 days",
    "portal_log": "the portal's log",
}


def _lists(folder: Path, database: str, urls: Mapping[int, str]) -> list[Row]:
    folder.mkdir()
    with ExitStack() as running:
        sides: dict[str, Callable[[], float]] = {}
        for count in (FEW, MANY):
            more = {"LETTERLOCK_DATABASE_URL": urls[count]} if urls else {}
            web = Web(folder / str(count), **more)
            web.prepare()
            inbox, office, found, _, figures = web.filled(
                ["inbox", OF_ONE], ["office"], ["trace"], ["others", count], ["figures", count]
            )
            running.enter_context(web)
            for name, (path, cookie) in zip(_LISTS, (inbox, office, *found, *figures), strict=True):
                sides[f"{name} {count}"] = _looking(web.port, path, cookie)
        found = alternate(sides, seconds=10)
    shutil.rmtree(folder, ignore_errors=True)
    bound = Target(1.3, at_least=False)
    return [
        Row(
            f"{what} among {MANY:,} messages, {database}", f"among {FEW:,}", "ms",
            found[f"{name} {MANY}"], found[f"{name} {FEW}"], bound,
        )
        for name, what in _LISTS.items()
    ]  # fmt: skip


def _looking(port: int, path: str, cookie: str) -> Callable[[], float]:
    return lambda: _MILLI * sorted(times(port, path, cookie, count=LOOKS, lines=1)[1])[LOOKS // 4]
