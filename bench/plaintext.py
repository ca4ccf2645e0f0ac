"""A yardstick for the door: stock aiosmtpd that writes each mail in clear to a file of its own, with fsync.

python bench/plaintext.py PORT FOLDER
"""

from __future__ import annotations

import asyncio
import os
import signal
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
        with (self._folder / f"{next(self._numbers)}.eml").open("wb", buffering=0) as file:
            file.write(envelope.content)
            os.fsync(file.fileno())
        return "250 OK"


async def _serve(port: int, folder: Path) -> None:
    loop, handler, stop = asyncio.get_running_loop(), Handler(folder), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: SMTP(handler, data_size_limit=MOST_BYTES, loop=loop), "127.0.0.1", port)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
