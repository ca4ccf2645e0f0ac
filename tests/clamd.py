"""A real ClamAV daemon on a socket, whose only signature is that of the harmless EICAR test string."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.parts import need, program

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""In two parts, so that no scanner takes this file for one."""
STREAM_MAX_BYTES = 1_000_000


class Clamd:
    """Started in a folder of its own, stopped by itself; `url` is a LETTERLOCK_VIRUS_SCANNER."""

    def __enter__(self) -> Self:
        need("clamd")
        found = program("clamd")
        assert found is not None
        # Short: the path of a Unix socket has 107 bytes at most.
        self._folder = tempfile.TemporaryDirectory(prefix="clamd-")
        folder = Path(self._folder.name)
        signatures = folder / "signatures"
        signatures.mkdir()
        # Name, any kind of file, at any place, the bytes (clamav-signatures, "extended signatures").
        (signatures / "eicar.ndb").write_text(f"Eicar-Test:0:*:{EICAR.hex()}\n")
        self.socket = folder / "ctl"
        self.url = f"clamd://{self.socket}"
        (folder / "clamd.conf").write_text(
            f"LocalSocket {self.socket}\nDatabaseDirectory {signatures}\nForeground yes\nTemporaryDirectory {folder}\n"
            f"StreamMaxLength {STREAM_MAX_BYTES}\nMaxThreads 2\nDetectPUA no\nBytecode no\n"
        )
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [found, "--config-file", str(folder / "clamd.conf")], stdout=self._log, stderr=subprocess.STDOUT
        )
        until = time.monotonic() + 120
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                raise AssertionError(f"clamd did not start: {(folder / 'log').read_text()}")
            time.sleep(0.05)
        return self

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            try:
                line.connect(str(self.socket))
                line.sendall(b"zPING\0")
                return line.recv(16).startswith(b"PONG")
            except OSError:
                return False

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(120)
        self._log.close()
        self._folder.cleanup()
