"""Certificates that others see: of the pages and of the door, and how long they are still valid."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509

from portal.configuration import Configuration
from portal.operations.health import reachable

SECONDS = 3.0


@dataclass(frozen=True)
class Seen:
    """A certificate as a server showed it."""

    ends_at: datetime
    """Aware."""
    trouble: str = ""
    """Why a browser or mail server would not accept it; from OpenSSL's fixed list of sentences."""


def days_left(configuration: Configuration, now: datetime) -> dict[str, float]:
    """Days until each certificate ends: "pages" with https, "door" when it offers STARTTLS. Those that can be seen."""
    found = {}
    with suppress(OSError, ValueError):
        if configuration.https:
            found["pages"] = _days(of_pages(configuration), now)
    with suppress(OSError, ValueError):
        seen = of_mail(reachable(configuration.smtp.host), configuration.smtp.port, configuration.public_host)
        if seen is not None:
            found["door"] = _days(seen, now)
    return found


def of_pages(configuration: Configuration) -> Seen:
    """The certificate at the public address. OSError when nothing answers there."""
    return of_tls(configuration.public_host, urlsplit(configuration.public_url).port or 443)


def of_tls(host: str, port: int) -> Seen:
    """The certificate of a server that speaks TLS from the first byte. OSError when none is shown."""
    trouble = ""
    for context in (ssl.create_default_context(), unproved()):
        try:
            with (
                socket.create_connection((host, port), SECONDS) as line,
                context.wrap_socket(line, server_hostname=host) as secure,
            ):
                return Seen(_ends_at(secure.getpeercert(binary_form=True)), trouble)
        except ssl.SSLCertVerificationError as error:
            trouble = error.verify_message
    raise OSError("no certificate was shown")


def of_mail(host: str, port: int, name: str) -> Seen | None:
    """The certificate behind STARTTLS of a mail server called `name`; None when it offers none.

    OSError when it does not answer or the certificate cannot be seen.
    """
    trouble = ""
    for context in (ssl.create_default_context(), unproved()):
        try:
            with smtplib.SMTP(host, port, name or "localhost", SECONDS) as smtp:
                smtp.ehlo()
                if not smtp.has_extn("starttls"):
                    return None
                smtp._host = name  # type: ignore[attr-defined]  # what smtplib compares the certificate with
                smtp.starttls(context=context)
                secure = smtp.sock
                if not isinstance(secure, ssl.SSLSocket):
                    return None
                return Seen(_ends_at(secure.getpeercert(binary_form=True)), trouble)
        except ssl.SSLCertVerificationError as error:
            trouble = error.verify_message
        except smtplib.SMTPException as error:
            raise OSError(f"the mail server answered {type(error).__name__}") from None
    raise OSError("no certificate was shown")


def unproved() -> ssl.SSLContext:
    """Only to look at what is shown; nothing is sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _ends_at(shown: bytes | None) -> datetime:
    if not shown:
        raise OSError("no certificate was shown")
    return x509.load_der_x509_certificate(shown).not_valid_after_utc


def _days(seen: Seen, now: datetime) -> float:
    return round((seen.ends_at - now).total_seconds() / 86400, 2)
