"""One connection to a mail server, opened, encrypted as far as is demanded, and logged in."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from portal.delivery import dane
from portal.delivery.errors import Deferred, TlsTrouble
from portal.delivery.tls import Demand, Level, context_for, names_match
from portal.values import is_loopback

CONNECT_SECONDS = 30
OPEN_SECONDS = 120
"""After this long no further address is tried: a stranger's DNS may name hundreds that never answer."""
_BEGUN_SECONDS = 10.0
"""For the rest of a reply that has begun. A server that goes on with `250-` would keep its sender past the lease."""
_MOST_REPLY_BYTES = 64 * 1024
_ENHANCED = re.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_EXPIRED, _MISMATCH, _UNTRUSTED = (9, 10), (62, 64), (18, 19, 20, 21)
"""OpenSSL's codes for a certificate that was not accepted (X509_V_ERR_…)."""
Note = Callable[[str, str], None]
"""Told the policy and the result of every try at TLS, in the words of RFC 8460."""


@dataclass(frozen=True)
class Peer:
    """A mail server to talk to. `addresses` are tried in order; without any, `host` is looked up."""

    host: str
    port: int
    demand: Demand
    addresses: tuple[str, ...] = ()
    implicit: bool = False
    """TLS from the first byte (RFC 8314 section 3.3) instead of STARTTLS."""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def local(self) -> bool:
        """On this computer, where no network can listen."""
        return is_loopback(self.host)


def relay_at(url: str) -> Peer:
    """The relay that a LETTERLOCK_RELAY_URL names; without `?tls=`, a password asks for a proved certificate."""
    parts = urlsplit(url)
    host, implicit = parts.hostname or "", parts.scheme == "smtps"
    asked = dict(parse_qsl(parts.query)).get("tls", "")
    usual = Level.VERIFIED if (parts.username or implicit) and not is_loopback(host) else Level.OPPORTUNISTIC
    level = Level[asked.upper()] if asked else Level.REQUIRED if implicit and usual is Level.OPPORTUNISTIC else usual
    return Peer(
        host=host,
        port=parts.port or (465 if implicit else 25),
        demand=Demand(level, (host,)),
        implicit=implicit,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def connect(peer: Peer, own_name: str, note: Note) -> smtplib.SMTP:
    """The first of the peer's addresses that answers and proves what is demanded. Raises Deferred."""
    trouble = Deferred("no connection")
    until = time.monotonic() + OPEN_SECONDS
    for address in peer.addresses or (peer.host,):
        if time.monotonic() > until:
            break
        try:
            return _tolerant(peer, address, own_name, note)
        except Deferred as error:
            trouble = error
    raise trouble


def _tolerant(peer: Peer, address: str, own_name: str, note: Note) -> smtplib.SMTP:
    try:
        smtp = _connected(peer, address, own_name)
    except TlsTrouble as error:
        note(peer.demand.policy, error.result)
        if not peer.demand.testing:
            raise
        return _connected(replace(peer, demand=Demand(Level.OPPORTUNISTIC)), address, own_name)
    if isinstance(smtp.sock, ssl.SSLSocket):
        note(peer.demand.policy, "success")
    else:
        note(peer.demand.policy, "starttls-not-supported")
    return smtp


class _Line(smtplib.SMTP):
    """smtplib's client with TLS that proves what is demanded, from the first byte where the peer wants it so."""

    def __init__(self, peer: Peer, own_name: str) -> None:
        self.peer = peer
        self._heard = b""
        # The name is given, or smtplib asks DNS for it at every connection.
        super().__init__(local_hostname=own_name or "localhost", timeout=CONNECT_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line = socket.create_connection((host, port), timeout)
        if not self.peer.implicit:
            return line
        return self._secured(line)

    def getreply(self) -> tuple[int, bytes]:
        """One reply (RFC 5321 section 4.2.1), as smtplib reads it, but of bounded length and in bounded time."""
        if (line := self.sock) is None:
            raise smtplib.SMTPServerDisconnected
        patience, said, size = line.gettimeout(), [], 0
        until = time.monotonic() + (patience or CONNECT_SECONDS)
        try:
            while True:
                while b"\n" not in self._heard:
                    if (left := until - time.monotonic()) <= 0:
                        raise TimeoutError
                    line.settimeout(left)
                    received = line.recv(4096)
                    until = until if size else min(until, time.monotonic() + _BEGUN_SECONDS)
                    size += len(received)
                    if not received or size > _MOST_REPLY_BYTES:
                        raise ConnectionError
                    self._heard += received
                text, _, self._heard = self._heard.partition(b"\n")
                said.append(text[4:].strip())
                if text[3:4] != b"-" or not text[:3].isdigit():
                    line.settimeout(patience)
                    return int(text[:3]) if text[:3].isdigit() else -1, b"\n".join(said)
        except OSError:
            self.close()
            raise smtplib.SMTPServerDisconnected from None

    def encrypt(self) -> None:
        """Go on in TLS. What the server said before it is forgotten (RFC 3207 section 4.2)."""
        code, text = self.docmd("STARTTLS")
        if code != 220:
            if self.peer.demand.level is Level.OPPORTUNISTIC:
                raise Deferred(codes(code, text))
            raise TlsTrouble("starttls-not-supported")
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected
        # What is kept would be handed on, as if encrypted, though somebody on the way put it behind the answer.
        self.sock, self._heard = self._secured(self.sock), b""
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features, self.does_esmtp = {}, False
        self.ehlo_or_helo_if_needed()

    def _secured(self, line: socket.socket) -> ssl.SSLSocket:
        try:
            called = self.peer.demand.called or self.peer.host
            secure = context_for(self.peer.demand).wrap_socket(line, server_hostname=called)
        except ssl.SSLCertVerificationError as error:
            raise TlsTrouble(_result(error.verify_code)) from None
        except ssl.SSLError:
            raise TlsTrouble("validation-failure") from None
        finally:
            line.close()  # after a handshake it is the secured one's
        try:
            _prove(secure, self.peer.demand)
        except TlsTrouble:
            secure.close()
            raise
        return secure


def facts(smtp: smtplib.SMTP | None) -> dict[str, str]:
    """Of an open connection, for the record: `host`, `tls` (its version, absent in clear) and `verified`: by "dane",
    "mta-sts" or "certificate", or "no"."""
    if not isinstance(smtp, _Line):
        return {}
    peer = smtp.peer
    if not isinstance(smtp.sock, ssl.SSLSocket):
        return {"host": peer.host[:100]}
    demand, how = peer.demand, "no"
    if demand.level is Level.VERIFIED:
        how = "dane" if demand.tlsa else "mta-sts" if demand.policy == "sts" else "certificate"
    return {"host": peer.host[:100], "tls": smtp.sock.version() or "TLS", "verified": how}


def _connected(peer: Peer, address: str, own_name: str) -> smtplib.SMTP:
    smtp = _Line(peer, own_name)
    try:
        code, text = smtp.connect(address, peer.port)
        if code != 220:
            # Also a 5yz here speaks of the server and not of a mail.
            raise Deferred(codes(code, text))
        smtp.ehlo_or_helo_if_needed()
        _start_tls(smtp, peer)
        if peer.user:
            _log_in(smtp, peer)
    except smtplib.SMTPResponseException as error:
        smtp.close()
        raise Deferred(codes(error.smtp_code, error.smtp_error)) from None
    except (smtplib.SMTPException, OSError, ValueError):  # the last: a name that TLS cannot ask for
        smtp.close()
        raise Deferred("no connection") from None
    except Deferred:
        smtp.close()
        raise
    return smtp


def _start_tls(smtp: _Line, peer: Peer) -> None:
    """Encrypt when offered. Where it must be and is not offered, somebody may have taken the offer out."""
    if peer.implicit:
        return
    if smtp.has_extn("starttls"):
        smtp.encrypt()
    elif peer.user and not peer.local:
        raise Deferred("no TLS for the login")
    elif peer.demand.level is not Level.OPPORTUNISTIC:
        raise TlsTrouble("starttls-not-supported")


def _log_in(smtp: smtplib.SMTP, peer: Peer) -> None:
    try:
        smtp.login(peer.user, peer.password)
    except smtplib.SMTPNotSupportedError:
        raise Deferred("no login offered") from None


def _prove(secure: ssl.SSLSocket, demand: Demand) -> None:
    if demand.level is not Level.VERIFIED:
        return
    if demand.tlsa:
        matches = partial(names_match, names=demand.names)
        if not dane.proves(demand.tlsa, _chain(secure), matches, datetime.now(UTC)):
            raise TlsTrouble("tlsa-invalid")
        return
    shown: Any = (secure.getpeercert() or {}).get("subjectAltName", ())
    if not names_match([value for kind, value in shown if kind in ("DNS", "IP Address")], demand.names):
        raise TlsTrouble("certificate-host-mismatch")


def _chain(secure: ssl.SSLSocket) -> list[bytes]:
    """The certificates that the server showed, in DER, its own first. Public in Python 3.13, and there before it."""
    public = getattr(secure, "get_unverified_chain", None)
    shown = public() if public else secure._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    return [one if isinstance(one, bytes) else ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in shown or ()]


def _result(code: int) -> str:
    if code in _EXPIRED:
        return "certificate-expired"
    if code in _MISMATCH:
        return "certificate-host-mismatch"
    return "certificate-not-trusted" if code in _UNTRUSTED else "validation-failure"


def codes(code: int, text: bytes | str) -> str:
    """Status code and enhanced code (RFC 3463). The words behind them may hold an address and are dropped."""
    words = text.encode("utf-8", "replace") if isinstance(text, str) else text
    enhanced = _ENHANCED.match(words)
    return f"{code} {enhanced.group(1).decode()}" if enhanced else str(code)
