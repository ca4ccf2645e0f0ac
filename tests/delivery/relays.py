"""Relays for tests: aiosmtpd as a real one whose answers can be chosen, and a socket that follows a script."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Taken:
    """One mail as a relay took it."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    tls: bool
    options: tuple[str, ...]


@dataclass
class Relay:
    """What a relay answers and what it took. Answers are looked up by recipient, then by verb."""

    answers: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    url: str = ""
    before_accepting: Callable[[], object] = lambda: None
    before_rcpt: Callable[[], object] = lambda: None
    sessions: int = 0

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = self.answers.get("MAIL", "250 2.1.0 OK")
        if answer.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        self.before_rcpt()
        answer = self.answers.get(address) or self.answers.get("RCPT", "250 2.1.5 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = self.answers.get("DATA", "250 2.0.0 queued as jonas.berg@mail.example")
        await asyncio.get_running_loop().run_in_executor(None, self.before_accepting)
        if answer.startswith("250"):
            data = envelope.original_content or b""
            options = tuple(envelope.mail_options)
            tls = session.ssl is not None
            self.taken.append(Taken(envelope.mail_from, tuple(envelope.rcpt_tos), data, tls, options))
        return answer


@contextmanager
def running(
    *, credentials: tuple[str, str] | None = None, relay: Relay | None = None, **options: Any
) -> Iterator[Relay]:
    """A relay on a free port of this computer; `options` are aiosmtpd's."""
    relay = relay or Relay()

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == credentials, handled=False)

    if credentials:
        options |= {"authenticator": check, "auth_required": True, "auth_require_tls": False}

    class OnAnyPort(Controller):
        def factory(self) -> SMTP:
            return SMTP(self.handler, **self.SMTP_kwargs)

        def _trigger_server(self) -> None:
            self.port = self.server.sockets[0].getsockname()[1]
            super()._trigger_server()

    # Named, for else it asks DNS for a name at each connection.
    controller = OnAnyPort(relay, hostname="127.0.0.1", port=0, server_hostname="relay.example", **options)
    controller.start()
    login = f"{credentials[0]}:{credentials[1]}@" if credentials else ""
    relay.url = f"smtp://{login}127.0.0.1:{controller.port}"
    try:
        yield relay
    finally:
        controller.stop(no_assert=True)


@contextmanager
def scripted(*steps: str | bytes | None) -> Iterator[tuple[str, list[bytes]]]:
    """A relay that says each step and reads one line after it; None cuts the connection. Gives url and lines read.

    A step of bytes is said after all of the mail was read up to its end mark.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as lines:
            for step in steps:
                if step is None:
                    return
                if isinstance(step, bytes):
                    while lines.readline().rstrip(b"\r\n") != b".":
                        pass
                    connection.sendall(step + b"\r\n")
                    continue
                connection.sendall(step.encode() + b"\r\n")
                if not step.startswith("354"):
                    heard.append(lines.readline())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}", heard
    finally:
        listening.close()
        thread.join(120)


def tls_context(folder: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody but itself signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    no_password = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    path = folder / "relay.pem"
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
