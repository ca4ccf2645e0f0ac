"""The door's certificate: read when it starts, again when its files change or it is told to; never a start without."""

from __future__ import annotations

import logging
import ssl
import time
from pathlib import Path
from typing import Any

from portal.configuration import Configuration
from portal.ingest.errors import CertificateUnusable

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
Signature = tuple[tuple[int, int, int], ...]


class Certificates:
    """What TLS needs, from files that may be renewed at any time."""

    def __init__(self, certificate: Path, key: Path, clients: Path | None) -> None:
        """`clients` is the bundle that client certificates must come from. Raises CertificateUnusable."""
        self._certificate, self._key, self._clients = certificate, key, clients
        self._looked_at = time.monotonic()
        self._signature = self._seen()
        self._context = self._read()

    @classmethod
    def of(cls, configuration: Configuration) -> Certificates | None:
        """None when no certificate is set. Raises CertificateUnusable."""
        if configuration.tls_certificate is None or configuration.tls_key is None:
            return None
        return cls(configuration.tls_certificate, configuration.tls_key, configuration.tls_client_ca)

    def context(self) -> ssl.SSLContext:
        """The context for the next handshake; the old one as long as the new files cannot be used."""
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = time.monotonic()
            try:
                if self._seen() != self._signature:
                    self.reload()
            except CertificateUnusable:
                pass  # a renewal may have taken the file away for a moment; it is looked at again
        return self._context

    def reload(self) -> None:
        """Read the files now; what cannot be used is logged and the certificate at work stays."""
        try:
            signature = self._seen()
            self._context = self._read()
        except CertificateUnusable as error:
            # Tried again at the next look: a renewal writes its two files one after the other.
            log.error("the certificate at work stays: %s", error)
            return
        self._signature = signature
        log.info("the certificate was read again")

    def _seen(self) -> Signature:
        files = [path for path in (self._certificate, self._key, self._clients) if path is not None]
        try:
            return tuple((found.st_mtime_ns, found.st_ino, found.st_size) for found in (p.stat() for p in files))
        except OSError as error:
            raise CertificateUnusable(error) from None

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        try:
            # A key with a passphrase would be asked for on the terminal; here it is one that cannot be used.
            context.load_cert_chain(self._certificate, self._key, password=lambda: "")
            if self._clients is not None:
                context.load_verify_locations(self._clients)
                context.verify_mode = ssl.CERT_OPTIONAL
        except (OSError, ValueError) as error:
            raise CertificateUnusable(error) from None
        return context


def names_of(secured: ssl.SSLObject) -> frozenset[str]:
    """The DNS names in the subjectAltName of the client's verified certificate, in lower case; none without one."""
    shown: Any = secured.getpeercert() or {}
    return frozenset(value.lower() for kind, value in shown.get("subjectAltName", ()) if kind == "DNS")
