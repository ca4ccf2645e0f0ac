"""Certificates for tests: an authority of their own, and what it signs."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.ingest.smtp.certificates import Certificates


class Authority:
    """Signs certificates and writes them, with their keys, into a folder."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), True
        )
        self.bundle = folder / "authority.pem"
        self.bundle.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, file: str, *names: str, common_name: str = "") -> tuple[Path, Path]:
        """Certificate and key of these DNS names, in two PEM files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])
        made = self._builder(subject, key)
        if names:
            made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
        certificate, private = self.folder / f"{file}.pem", self.folder / f"{file}.key"
        pem = serialization.Encoding.PEM
        certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(pem))
        private.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )  # fmt: skip
        return certificate, private

    def door(self, *, ask_clients: bool = False) -> Certificates:
        """A door's certificate for door.example."""
        certificate, key = self.issue("door", "door.example")
        return Certificates(certificate, key, self.bundle if ask_clients else None)

    def client(self, *, file: str = "", names: tuple[str, ...] = (), common_name: str = "") -> ssl.SSLContext:
        """What a client needs that trusts this authority, and shows a certificate when `file` is given."""
        context = ssl.create_default_context(cafile=self.bundle)
        if file:
            context.load_cert_chain(*self.issue(file, *names, common_name=common_name))
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
