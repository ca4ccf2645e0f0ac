"""Doors to talk to, in this process or one of their own."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from portal.ingest.serving import Listener, serve
from portal.ingest.smtp.certificates import Certificates
from portal.values import Address
from tests.servers import MANAGE, ROOT, free_port, wait_for

FROM, TO = "maya.lindqvist@aldervalley.example", "jonas.berg@mail.example"
MAIL = f"From: Maya <{FROM}>\r\nTo: {TO}\r\nSubject: Hello\r\n\r\nHello.\r\n".encode()


class RunningDoor:
    """A door in a thread of this process; `lmtp` and `tls` are those of a Listener."""

    def __init__(self, certificates: Certificates | None = None, *, lmtp: bool = False, tls: bool = False) -> None:
        self.port = free_port()
        self._certificates = certificates
        self._place = Listener(Address("127.0.0.1", self.port), lmtp=lmtp, tls=tls)
        self._thread = threading.Thread(target=self._run)
        self._ready = threading.Event()

    def _run(self) -> None:
        serve([self._place], self._certificates, self._stopped, self._ready.set)

    async def _stopped(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await self._stop.wait()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(120)
        return self

    def begin_to_stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)

    def __exit__(self, *_: object) -> None:
        self.begin_to_stop()
        self._thread.join(120)
        assert not self._thread.is_alive()


class Line:
    """An SMTP client that sends exactly the bytes it is told to: first `before`, then TLS if `tls` is given."""

    def __init__(
        self, port: int, *, greet: bool = True, before: bytes = b"", tls: ssl.SSLContext | None = None
    ) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.sendall(before)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="door.example")
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()
        if greet:
            assert self.ask(b"EHLO client.example").startswith("250")

    def start_tls(self, context: ssl.SSLContext) -> str:
        """STARTTLS, the handshake, EHLO again; the reply to that."""
        assert self.ask(b"STARTTLS").startswith("220")
        self.file.close()
        self.socket = context.wrap_socket(self.socket, server_hostname="door.example")
        self.file = self.socket.makefile("rb")
        return self.ask(b"EHLO client.example")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> str:
        """The next reply, lines joined; "" when the door has hung up."""
        lines = []
        while line := self.file.readline().decode():
            lines.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                break
        return "\n".join(lines)

    def ask(self, command: bytes) -> str:
        self.send(command + b"\r\n")
        return self.reply()

    def to_data(self, sender: str = FROM, *recipients: str, options: str = "") -> None:
        """MAIL, RCPT and DATA, up to 354."""
        assert self.ask(f"MAIL FROM:<{sender}>{options}".encode()).startswith("250")
        for recipient in recipients or (TO,):
            assert self.ask(f"RCPT TO:<{recipient}>".encode()).startswith("250")
        assert self.ask(b"DATA").startswith("354")

    def mail(self, data: bytes = MAIL) -> str:
        """One whole mail, dots stuffed; the last reply."""
        self.to_data()
        stuffed = data.replace(b"\r\n.", b"\r\n..")
        self.send((b"." + stuffed if stuffed.startswith(b".") else stuffed) + b".\r\n")
        return self.reply()

    def hung_up(self) -> bool:
        """Whether the door closes the connection, with nothing more said."""
        try:
            return self.file.read() == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Installation:
    """A data folder with keys and tables, for doors in processes of their own."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("LETTERLOCK_", "DJANGO_"))},
            "LETTERLOCK_DATA": str(data),
            "LETTERLOCK_SMTP": f"127.0.0.1:{self.port}",
            "LETTERLOCK_HTTP": f"127.0.0.1:{free_port()}",
            "LETTERLOCK_DEMO": "off",
            **settings,
        }
        self.manage("prepare")

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, MANAGE, *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=check,
        )  # fmt: skip

    def door(self, **environment: str) -> subprocess.Popen[bytes]:
        """A started door that listens."""
        process = subprocess.Popen([sys.executable, MANAGE, "door"], cwd=ROOT, env={**self.environment, **environment})
        wait_for(lambda: _listens(self.port), 30, "the door did not start")
        return process

    @property
    def spool(self) -> list[Path]:
        return sorted(path for path in (self.data / "spool").glob("*") if not path.name.startswith("."))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
