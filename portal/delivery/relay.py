"""Handing mail to the organisation's relay by SMTP (RFC 5321), streamed, without ever keeping what it says in words."""

from __future__ import annotations

import re
import select
import smtplib
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote, urlsplit
from uuid import UUID

from portal.configuration import is_loopback
from portal.delivery.errors import Deferred, DeliveryError, Refused
from portal.delivery.letters import Prepared
from portal.delivery.wire import dotted

CONNECT_SECONDS = 30
REPLY_SECONDS, DATA_SECONDS, FINAL_SECONDS = 300, 180, 600
"""Patience with a reply, with a piece of the mail, and with the answer to all of it (RFC 5321 section 4.5.3.2)."""
UNCLEAR = "no answer to the whole mail"
"""The relay may have it: trying again is right (RFC 5321 section 4.5.4.1), and may deliver it twice (RFC 1047)."""
_LISTEN_SECONDS, _GOODBYE_SECONDS = 2, 5
_ENHANCED = re.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_ABOUT_US = frozenset({530, 534, 535, 538})
"""The relay wants TLS or a login of us: no mail is at fault, so none may fail by it."""
Keep = Callable[[], None]


class SmtpRelay:
    """One connection, made when first needed, used for a whole batch. `url` is smtp://[user:password@]host[:port]."""

    def __init__(self, url: str, own_name: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 25
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._own_name = own_name
        self._smtp: smtplib.SMTP | None = None
        self._closed: str = ""

    def __repr__(self) -> str:
        return "SmtpRelay(…)"

    def open(self) -> None:
        """Connect, encrypt, log in. Deferred when the relay cannot be talked to; then all of the batch waits."""
        self._ready()

    def send(self, id_: UUID, mail: Prepared, keep: Keep) -> str:
        """Hand one mail over (see Transport.send)."""
        try:
            return _transaction(self._ready(), mail, keep)
        except _EightBit:
            self._drop()
            raise Refused("554 5.6.3") from None
        except (Refused, Deferred) as error:
            if error.answer.startswith("421"):
                self._drop()
            raise
        except TimeoutError:
            self._drop()
            raise Deferred("timed out") from None
        except (smtplib.SMTPException, OSError):
            self._drop()
            raise Deferred("connection lost") from None
        except BaseException:
            # Anything may have stopped us in the middle of DATA: without its end mark the relay forgets the mail.
            self._drop()
            raise

    def close(self) -> None:
        """Say goodbye; a relay that is gone already is no error."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                if smtp.sock is not None:
                    smtp.sock.settimeout(_GOODBYE_SECONDS)
                smtp.quit()
            except (smtplib.SMTPException, OSError):
                smtp.close()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()

    def _ready(self) -> smtplib.SMTP:
        """The open connection, cleared of the mail before; a new one when it has gone."""
        if self._smtp is not None:
            try:
                if self._smtp.rset()[0] == 250:
                    return self._smtp
            except (smtplib.SMTPException, OSError):
                pass
            self._drop()
        if self._closed:
            raise Deferred(self._closed)
        try:
            self._smtp = self._connect()
        except Deferred as error:
            self._closed = error.answer
            raise
        return self._smtp

    def _connect(self) -> smtplib.SMTP:
        try:
            # The name is given, or smtplib asks DNS for it at every connection.
            smtp = smtplib.SMTP(self._host, self._port, self._own_name or "localhost", CONNECT_SECONDS)
        except smtplib.SMTPConnectError as error:
            # Also a 5yz here speaks of the relay and not of this mail.
            raise Deferred(_codes(error.smtp_code, error.smtp_error)) from None
        except (smtplib.SMTPException, OSError):
            raise Deferred("no connection") from None
        try:
            self._introduce(smtp)
        except smtplib.SMTPResponseException as error:
            smtp.close()
            raise Deferred(_codes(error.smtp_code, error.smtp_error)) from None
        except (smtplib.SMTPException, OSError):
            smtp.close()
            raise Deferred("no connection") from None
        except Deferred:
            smtp.close()
            raise
        return smtp

    def _introduce(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        secure = self._start_tls(smtp)
        if self._user:
            self._log_in(smtp, secure)
        if smtp.sock is not None:
            smtp.sock.settimeout(DATA_SECONDS)

    def _start_tls(self, smtp: smtplib.SMTP) -> bool:
        """Encrypt when offered; a failed try never goes on in clear. A password asks for a proved certificate."""
        if not smtp.has_extn("starttls"):
            return False
        context = ssl.create_default_context() if self._user and not is_loopback(self._host) else _unproved()
        try:
            code, text = smtp.starttls(context=context)
        except ssl.SSLError:
            raise Deferred("TLS failed") from None
        if code != 220:
            raise Deferred(_codes(code, text))
        smtp.ehlo_or_helo_if_needed()
        return True

    def _log_in(self, smtp: smtplib.SMTP, secure: bool) -> None:
        if not secure and not is_loopback(self._host):
            raise Deferred("no TLS for the login")
        try:
            smtp.login(self._user, self._password)
        except smtplib.SMTPNotSupportedError:
            raise Deferred("no login offered") from None


def _unproved() -> ssl.SSLContext:
    """TLS against listeners on the way only: most relays inside a house have a certificate that nobody signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _transaction(smtp: smtplib.SMTP, mail: Prepared, keep: Keep) -> str:
    options = _options(smtp, mail)
    # In UTF-8 only after SMTPUTF8 was asked for (RFC 6531 section 3.4); RSET before the next mail sets it back.
    smtp.command_encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
    sender = " ".join([f"FROM:<{_with_ascii_domain(mail.envelope_sender, options)}>", *options])
    _must(_command(smtp, keep, "MAIL", sender), 250)
    _must(_command(smtp, keep, "RCPT", f"TO:<{_with_ascii_domain(mail.recipient, options)}>"), 250, 251)
    _must(_command(smtp, keep, "DATA"), 354)
    data: Iterable[bytes] = mail.data if smtp.has_extn("8bitmime") else _seven_bit(mail.data)
    for piece in dotted(data):
        keep()
        smtp.send(piece)
    try:
        return _must(_reply(smtp, keep, FINAL_SECONDS), 250)
    except (smtplib.SMTPException, OSError):
        raise Deferred(UNCLEAR) from None


def _options(smtp: smtplib.SMTP, mail: Prepared) -> list[str]:
    options = []
    if mail.size and smtp.has_extn("size"):
        limit = smtp.esmtp_features["size"].strip()
        if limit.isdecimal() and 0 < int(limit) < mail.size:
            raise Refused("552 5.3.4")
        options.append(f"SIZE={mail.size}")
    if smtp.has_extn("8bitmime"):
        options.append("BODY=8BITMIME")
    if not all(_with_ascii_domain(address, []).isascii() for address in (mail.envelope_sender, mail.recipient)):
        if not smtp.has_extn("smtputf8"):
            raise Refused("553 5.6.7")
        options.append("SMTPUTF8")
    return options


def _with_ascii_domain(address: str, options: list[str]) -> str:
    """A domain has an ASCII form (RFC 5890) that every relay takes; with SMTPUTF8 the address stays as it is."""
    local, at, domain = address.rpartition("@")
    if domain.isascii() or "SMTPUTF8" in options:
        return address
    try:
        return f"{local}{at}{domain.encode('idna').decode()}"
    except UnicodeError:
        return address


def _seven_bit(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """RFC 6152 section 3: such a relay must get no 8-bit text, and rewriting the mail would break its signatures."""
    for chunk in chunks:
        if not chunk.isascii():
            raise _EightBit
        yield chunk


class _EightBit(DeliveryError):
    """Seen in the middle of DATA: the connection must go, for an end mark would make the relay keep what it has."""


def _command(smtp: smtplib.SMTP, keep: Keep, name: str, arguments: str = "") -> tuple[int, bytes]:
    smtp.putcmd(name, arguments)
    return _reply(smtp, keep, REPLY_SECONDS)


def _reply(smtp: smtplib.SMTP, keep: Keep, patience: float) -> tuple[int, bytes]:
    """Wait for an answer, keeping the lease meanwhile: nobody else may send what this relay may have."""
    until = time.monotonic() + patience
    connection = smtp.sock
    if connection is None:
        raise smtplib.SMTPServerDisconnected
    while time.monotonic() < until:
        keep()
        decrypted = isinstance(connection, ssl.SSLSocket) and connection.pending()
        if decrypted or select.select([connection], [], [], _LISTEN_SECONDS)[0]:
            return smtp.getreply()
    raise TimeoutError


def _must(reply: tuple[int, bytes], *wanted: int) -> str:
    """The codes of a wanted answer; else Refused for 5yz and Deferred for the rest (RFC 5321 section 4.2.1)."""
    code, text = reply
    if code in wanted:
        return _codes(code, text)
    if code == -1:
        raise smtplib.SMTPServerDisconnected
    if 500 <= code < 600 and code not in _ABOUT_US:
        raise Refused(_codes(code, text))
    raise Deferred(_codes(code, text))


def _codes(code: int, text: bytes | str) -> str:
    """Status code and enhanced code (RFC 3463). The words behind them may hold an address and are dropped."""
    words = text.encode("utf-8", "replace") if isinstance(text, str) else text
    enhanced = _ENHANCED.match(words)
    return f"{code} {enhanced.group(1).decode()}" if enhanced else str(code)
