"""A yardstick for the door: stock aiosmtpd that writes each mail in clear to a file of its own, with fsync.

python bench/plaintext.py PORT FOLDER [rows]

With `rows` its 250 promises as much as ours: the folder is fsynced, and a row is committed with SQLite's full promises.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

MOST_BYTES = 150 * 1024 * 1024


class Handler:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        number = next(self._numbers)
        with (self._folder / f"{number}.eml").open("wb", buffering=0) as file:
            file.write(envelope.content)
            os.fsync(file.fileno())
        self.written(number, len(envelope.content))
        return "250 OK"

    def written(self, number: int, size: int) -> None:
        """A mail's file is on the disk."""


class Keeper(Handler):
    """Also keeps the file's name safe, and a row of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._descriptor = os.open(folder, os.O_RDONLY)
        self._database = sqlite3.connect(folder / ".mails.sqlite3", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE mail (number INTEGER PRIMARY KEY, size INTEGER NOT NULL, state TEXT NOT NULL)"
        )

    def written(self, number: int, size: int) -> None:
        os.fsync(self._descriptor)
        self._database.execute("INSERT INTO mail VALUES (?, ?, 'received')", (number, size))


async def _serve(port: int, handler: Handler) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: SMTP(handler, data_size_limit=MOST_BYTES, loop=loop), "127.0.0.1", port)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    kind = Keeper if sys.argv[3:] == ["rows"] else Handler
    asyncio.run(_serve(int(sys.argv[1]), kind(Path(sys.argv[2]))))
