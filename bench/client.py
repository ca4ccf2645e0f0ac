"""The client's side of the door's rows: many small mails in parallel sessions, or one large mail."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests import parts

SENDER, RECIPIENT = "aylin@sender.example", "b.larsen@receiver.example"
SECONDS = 60.0
"""Longest time that one run may take."""


def has_source() -> bool:
    """Whether Postfix's smtp-source is here; else a slower client of our own stands in, for all sides."""
    return parts.program("smtp-source") is not None


def send_many(ports: Sequence[int], mail: Path, count: int, sessions: int) -> None:
    """Send one mail `count` times, a connection each, `sessions` at once, shared out evenly over the ports.

    Raises when one is not taken.
    """
    shares = [(port, count // len(ports), sessions // len(ports)) for port in ports]
    if program := parts.program("smtp-source"):
        _all([_source(program, mail, *share) for share in shares])
    else:
        data = wire(mail)

        async def send() -> None:
            await asyncio.gather(*(_send_many(port, data, count, sessions) for port, count, sessions in shares))

        asyncio.run(asyncio.wait_for(send(), SECONDS))


def _source(program: str, mail: Path, port: int, count: int, sessions: int) -> list[str]:
    command = [program, "-4", "-s", str(sessions), "-m", str(count), "-f", SENDER, "-t", RECIPIENT]
    return [*command, "-M", "client.example", "-F", str(mail), f"127.0.0.1:{port}"]


def _all(commands: list[list[str]]) -> None:
    """Run commands side by side to their ends."""
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    try:
        for process in running:
            _, said = process.communicate(timeout=SECONDS)
            if process.returncode:
                raise ConnectionError(f"a mail was not taken: {said}")
    finally:
        for process in running:
            process.kill()


def wire(mail: Path) -> bytes:
    """A mail with LF line ends as DATA wants it (RFC 5321 section 4.5.2), its end included."""
    lines = mail.read_bytes().removesuffix(b"\n").split(b"\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b"\r\n.\r\n"


async def _send_many(port: int, data: bytes, count: int, sessions: int) -> None:
    waiting = iter(range(count))

    async def session() -> None:
        for _ in waiting:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await _expect(reader, b"220")
            for line, answer in (*_COMMANDS, (data, b"250"), (b"QUIT\r\n", b"221")):
                writer.write(line)
                await _expect(reader, answer)
            writer.close()

    await asyncio.gather(*(session() for _ in range(sessions)))


async def _expect(reader: asyncio.StreamReader, answer: bytes) -> None:
    line = await reader.readline()
    while line[3:4] == b"-":
        line = await reader.readline()
    _check(line, answer)


def send_large(port: int, mail: Path) -> None:
    """Send one mail that is on the disk as it goes over the wire, at the speed of the kernel (sendfile)."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as line, line.makefile("rb") as answers:

        def expect(answer: bytes) -> None:
            found = answers.readline()
            while found[3:4] == b"-":
                found = answers.readline()
            _check(found, answer)

        expect(b"220")
        for command, answer in _COMMANDS:
            line.sendall(command)
            expect(answer)
        with mail.open("rb") as file:
            line.sendfile(file)
        line.sendall(b".\r\n")
        expect(b"250")
        line.sendall(b"QUIT\r\n")


def _check(line: bytes, answer: bytes) -> None:
    if not line.startswith(answer):
        raise ConnectionError(f"{answer.decode()} was expected, and the server said {line[:60]!r}")


_COMMANDS = (
    (b"EHLO client.example\r\n", b"250"),
    (f"MAIL FROM:<{SENDER}>\r\n".encode(), b"250"),
    (f"RCPT TO:<{RECIPIENT}>\r\n".encode(), b"250"),
    (b"DATA\r\n", b"354"),
)
