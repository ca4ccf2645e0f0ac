"""A certificate authority for tests, and an HTTPS server that shows what it signed."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


@dataclass
class Signed:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(DER)

    @property
    def spki(self) -> bytes:
        return self.key.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


class Authority:
    """Its certificate is `root`; `folder` takes the files that servers read."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        self._folder = folder
        self.root = self.sign(name, (), issuer=None, ca=True)
        self.file = folder / f"{name.replace(' ', '-')}.pem"
        self.file.write_bytes(self.root.certificate.public_bytes(PEM))

    def sign(
        self,
        name: str,
        hosts: Sequence[str],
        *,
        issuer: Signed | None,
        ca: bool = False,
        days: tuple[int, int] = (-1, 9),
    ) -> Signed:
        """A certificate for `hosts`, by `issuer` or by itself, good from and until so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return Signed(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)

    def server(self, *hosts: str, days: tuple[int, int] = (-1, 9)) -> tuple[Signed, ssl.SSLContext]:
        """A certificate of this authority, and the server's side of TLS that shows it with its root behind it."""
        signed = self.sign(hosts[0], hosts, issuer=self.root, days=days)
        path = self._folder / f"{signed.certificate.serial_number}.pem"
        private = signed.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(private + signed.certificate.public_bytes(PEM) + self.root.certificate.public_bytes(PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return signed, context


@dataclass
class Site:
    """What an HTTPS server answers to any path."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/plain"})
    body: bytes = b""
    asked: list[str] = field(default_factory=list)
    port: int = 0


@contextmanager
def https(context: ssl.SSLContext) -> Iterator[Site]:
    """A site on a free port of this computer."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(f"{self.headers['Host']}{self.path}")
            self.send_response(site.status)
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(site.body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass

        def get_request(self):  # type: ignore[no-untyped-def]
            line, peer = super().get_request()
            line.settimeout(5)
            return context.wrap_socket(line, server_side=True, do_handshake_on_connect=False), peer

    server = Server(("127.0.0.1", 0), Handler)
    site.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
